public import Foundation
public import LinearAlgebra

/// A Hugging Face model folder: its weights mapped, its tensors by name.
///
/// Weights are in `model.safetensors`, or in shards that `model.safetensors.index.json` lists. With
/// both present the single file is read, as transformers does.
public final class Checkpoint: Sendable {
  public let folder: URL
  /// The weight files in the order of their names.
  public let shards: [SafetensorsFile]
  /// Sorted.
  public let tensorNames: [String]
  /// The index of shards, where there is one.
  public let indexFile: URL?
  private let places: [String: (shard: SafetensorsFile, tensor: TensorDescription)]

  static let singleName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"

  public init(folder: URL) throws(CheckpointError) {
    self.folder = folder
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder),
      isFolder.boolValue
    else { throw .folderMissing(path: folder.path) }
    let single = folder.appending(path: Self.singleName)
    let index = folder.appending(path: Self.indexName)
    var places: [String: (shard: SafetensorsFile, tensor: TensorDescription)] = [:]
    if FileManager.default.fileExists(atPath: single.path) {
      shards = [try SafetensorsFile(single)]
      indexFile = nil
    } else if FileManager.default.fileExists(atPath: index.path) {
      shards = try Self.openShards(index: index)
      indexFile = index
    } else {
      throw .noWeights(folder: folder.path)
    }
    for shard in shards {
      for tensor in shard.tensors { places[tensor.name] = (shard, tensor) }
    }
    self.places = places
    tensorNames = places.keys.sorted()
  }

  public func tensor(named name: String) -> TensorDescription? { places[name]?.tensor }

  /// The tensor's values, widened to float32.
  public func floats(named name: String) throws(CheckpointError) -> [Float] {
    let (shard, tensor) = try place(name)
    guard tensor.elementType.isNumeric else {
      throw .notNumeric(name: name, elementType: tensor.elementType.rawValue)
    }
    return unsafe tensor.elementType.widen(shard.unsafeBytes(of: tensor))
  }

  /// A tensor of two dimensions, widened to float32.
  public func matrix(named name: String) throws(CheckpointError) -> Matrix {
    let shape = try place(name).tensor.shape
    guard shape.count == 2 else { throw .notAMatrix(name: name, shape: shape) }
    return Matrix(rows: shape[0], columns: shape[1], elements: try floats(named: name))
  }

  /// The tensor's bytes, valid while this checkpoint is alive; empty for an unknown name.
  @unsafe public func unsafeBytes(of name: String) -> UnsafeRawBufferPointer {
    guard let (shard, tensor) = places[name] else {
      return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return unsafe shard.unsafeBytes(of: tensor)
  }

  /// Lets the kernel drop a tensor's pages from this process; they are read again when needed.
  public func release(_ name: String) {
    if let (shard, tensor) = places[name] { shard.release(tensor) }
  }

  private func place(
    _ name: String
  ) throws(CheckpointError) -> (shard: SafetensorsFile, tensor: TensorDescription) {
    guard let place = places[name] else {
      throw .tensorMissing(folder: folder.path, name: name)
    }
    return place
  }

  /// Opens every shard that the index names and checks that both agree on every tensor.
  private static func openShards(index: URL) throws(CheckpointError) -> [SafetensorsFile] {
    struct Index: Decodable {
      var weightMap: [String: String]

      enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }
    let map: [String: String]
    do {
      map = try JSONDecoder().decode(Index.self, from: Data(contentsOf: index)).weightMap
    } catch {
      throw .malformedIndex(file: index.path, reason: "it does not parse as such")
    }
    guard !map.isEmpty else {
      throw .malformedIndex(file: index.path, reason: "weight_map is empty")
    }
    var shards: [SafetensorsFile] = []
    for name in Set(map.values).sorted() {
      // A path could leave the folder; a link inside it is how download caches store files.
      guard !name.isEmpty, !name.contains("/"), name != ".", name != "..", !name.contains("\0")
      else { throw .shardOutsideFolder(index: index.path, shard: name) }
      let url = index.deletingLastPathComponent().appending(path: name)
      guard FileManager.default.fileExists(atPath: url.path) else {
        throw .shardMissing(index: index.path, shard: name)
      }
      let shard = try SafetensorsFile(url)
      let found = Set(shard.tensors.map(\.name))
      for tensor in found.sorted() where map[tensor] != name {
        throw .tensorNotInIndex(shard: url.path, name: tensor)
      }
      for (tensor, place) in map.sorted(by: { $0.key < $1.key })
      where place == name && !found.contains(tensor) {
        throw .tensorMissingFromShard(shard: url.path, name: tensor)
      }
      shards.append(shard)
    }
    return shards
  }
}
