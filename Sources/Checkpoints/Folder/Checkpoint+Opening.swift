import Foundation
import Support

extension Checkpoint {
  static let singleFileName = "model.safetensors"
  static let indexFileName = "model.safetensors.index.json"

  /// What a folder was found to hold.
  struct Contents {
    let shards: [Shard]
    let isIndexed: Bool
    let fileOfTensor: [String: SafetensorsFile]
  }

  static func open(folder: URL) throws(CheckpointError) -> Contents {
    var isFolder: ObjCBool = false
    let files = FileManager.default
    guard unsafe files.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      throw .fileSystem(.folderMissing(path: folder.path))
    }
    guard isFolder.boolValue else { throw .fileSystem(.notAFolder(path: folder.path)) }
    let single = folder.appending(path: singleFileName)
    if files.fileExists(atPath: single.path) {
      let file = try SafetensorsFile(single)
      return Contents(
        shards: [Shard(fileName: singleFileName, file: file, tensors: file.tensors)],
        isIndexed: false,
        fileOfTensor: Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, file) }))
    }
    let index = folder.appending(path: indexFileName)
    guard files.fileExists(atPath: index.path) else {
      throw .fileSystem(
        .noWeights(folder: folder.path, others: WeightFiles.names(in: folder)))
    }
    return try open(index: index, folder: folder)
  }

  private static func open(index: URL, folder: URL) throws(CheckpointError) -> Contents {
    let bytes = try settings(index)
    let shardOfTensor: [(tensor: String, shard: String)]
    do throws(CheckpointError.IndexFault) {
      shardOfTensor = try parseIndex(bytes)
      for (tensor, shard) in shardOfTensor
      where !FileManager.default.fileExists(atPath: folder.appending(path: shard).path) {
        throw .shardMissing(tensor: tensor, shard: shard)
      }
    } catch {
      throw .index(file: index.path, error)
    }
    let indexed = Set(shardOfTensor.map(\.tensor))
    var shards: [Shard] = []
    for name in Set(shardOfTensor.map(\.shard)).sorted() {
      shards.append(
        Shard(
          fileName: name, of: try SafetensorsFile(folder.appending(path: name)), indexed: indexed))
    }
    do throws(CheckpointError.IndexFault) {
      let fileOfTensor = try matchIndex(shardOfTensor, with: shards)
      return Contents(shards: shards, isIndexed: true, fileOfTensor: fileOfTensor)
    } catch {
      throw .index(file: index.path, error)
    }
  }

  /// The index's `weight_map`, in its order.
  private static func parseIndex(
    _ bytes: [UInt8]
  ) throws(CheckpointError.IndexFault) -> [(tensor: String, shard: String)] {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    let node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: bytes)
    } catch {
      throw .notJSON(reason: error.reason, offset: error.offset)
    }
    guard node.duplicateKey == nil, let map = node["weight_map"], let members = map.members else {
      throw .weightMapInvalid(found: (node["weight_map"] ?? node).excerpt)
    }
    guard !members.isEmpty else { throw .empty }
    if let name = map.duplicateKey { throw .duplicateTensor(name: name) }
    var shardOfTensor: [(tensor: String, shard: String)] = []
    for member in members {
      guard let shard = member.value.text else {
        throw .weightMapInvalid(found: "\(member.value.excerpt) for tensor \(member.key)")
      }
      // A plain name cannot leave the folder. Links are followed: caches consist of them.
      guard shard.hasSuffix(".safetensors"), !shard.hasPrefix("."),
        !shard.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
      else {
        throw .shardOutsideFolder(tensor: member.key, shard: shard)
      }
      shardOfTensor.append((member.key, shard))
    }
    return shardOfTensor
  }

  /// Checks that each tensor of the index is in the shard that it names, and in no other: nobody could
  /// tell which of two copies is the model's.
  private static func matchIndex(
    _ shardOfTensor: [(tensor: String, shard: String)], with shards: [Shard]
  ) throws(CheckpointError.IndexFault) -> [String: SafetensorsFile] {
    var fileOfTensor: [String: SafetensorsFile] = [:]
    var holder: [String: String] = [:]
    for shard in shards {
      for tensor in shard.tensors {
        if let first = holder.updateValue(shard.fileName, forKey: tensor.name) {
          throw .tensorInTwoShards(name: tensor.name, first: first, second: shard.fileName)
        }
        fileOfTensor[tensor.name] = shard.file
      }
    }
    for (tensor, shard) in shardOfTensor where holder[tensor] != shard {
      throw .tensorMissing(name: tensor, shard: shard)
    }
    return fileOfTensor
  }

  /// The bytes of a small file of settings, without a byte order mark.
  ///
  /// - Throws: `CheckpointError.fileSystem`.
  static func settings(_ file: URL) throws(CheckpointError) -> [UInt8] {
    do throws(InputFile.Fault) {
      return [UInt8](try InputFile(file, .settings).body)
    } catch {
      throw .unreadable(file.path, error)
    }
  }
}
