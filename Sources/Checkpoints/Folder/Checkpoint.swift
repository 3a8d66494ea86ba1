package import Foundation
package import LinearAlgebra
package import Support
import Synchronization

/// The weights of a Hugging Face model folder, mapped for reading.
///
/// Read are `model.safetensors`, or the shards that `model.safetensors.index.json` names. Where
/// both are present the single file wins, as in transformers. A shard is named by its plain file
/// name and may be a symbolic link, as in the Hugging Face cache, but no path. A tensor that the index
/// does not name is left out, as transformers leaves it out; one that two shards hold is refused.
package final class Checkpoint: Sendable {
  /// One file of the checkpoint.
  package struct Shard: Sendable {
    /// The plain name inside the folder, such as `model-00001-of-00002.safetensors`.
    package let fileName: String
    package let file: SafetensorsFile

    /// The checkpoint's tensors in it, in the order of their bytes.
    package let tensors: [TensorDescription]

    init(fileName: String, file: SafetensorsFile, tensors: [TensorDescription]) {
      self.fileName = fileName
      self.file = file
      self.tensors = tensors
    }

    /// A shard beside an index: what the index does not name is no part of the checkpoint.
    init(fileName: String, of file: SafetensorsFile, indexed: Set<String>) {
      self.init(
        fileName: fileName, file: file, tensors: file.tensors.filter { indexed.contains($0.name) })
    }

    /// The strings under the file's `__metadata__`.
    package var metadata: [String: String] { file.metadata }
  }

  /// The model's folder.
  package let folder: URL
  /// Every tensor's name, sorted.
  package let tensorNames: [String]
  /// The files by name; a checkpoint of one file has one shard.
  package let shards: [Shard]
  /// Whether the folder has an index beside its shards.
  package let isIndexed: Bool

  /// Whether it is too large beside the machine's memory to stay in the system's cache from one pass over it to the
  /// next, so that passes do not go through it.
  package let isReadUncached: Bool

  private let fileOfTensor: [String: SafetensorsFile]
  /// What `tiedHead` found; comparing two large matrices once is enough.
  let foundTiedHead = Mutex<TiedHead??>(nil)

  /// Maps a model folder and validates its index and every shard's header.
  ///
  /// - Throws: `CheckpointError`: `.fileSystem`, `.header` or `.index`, naming file and tensor.
  ///
  /// - Parameter uncached: whether passes over the weights go past the system's cache; nil decides by its size.
  package init(folder: URL, uncached: Bool? = nil) throws(CheckpointError) {
    let contents = try Self.open(folder: folder)
    self.folder = folder
    self.shards = contents.shards
    self.isIndexed = contents.isIndexed
    self.fileOfTensor = contents.fileOfTensor
    self.tensorNames = contents.fileOfTensor.keys.sorted()
    isReadUncached = uncached ?? MachineMemory.isFilled(by: Self.byteCount(of: shards))
  }

  /// Checks that the files of the weights are those that were opened, and were not written since: by
  /// size, time and place on the disk. Cheap enough for every result.
  ///
  /// - Throws: `CheckpointError.fileSystem` with `changed`.
  package func requireUnchanged() throws(CheckpointError) {
    for shard in shards { try shard.file.requireUnchanged() }
  }

  /// Which content the files of the weights have now, in the order of their names; nil where one is gone.
  package var versions: [FileVersion]? {
    let versions = shards.sorted { $0.fileName < $1.fileName }.map {
      FileVersion(of: $0.file.url.path)
    }
    return versions.contains(nil) ? nil : versions.compactMap(\.self)
  }

  /// The tensor of a name, or one matrix of it (`TensorSlice`); nil where the checkpoint has none.
  package func tensor(named name: String) -> TensorDescription? { place(of: name)?.tensor }

  /// A tensor's values, row-major, widened to float32.
  ///
  /// - Throws: `CheckpointError.tensor` where it is missing or not F32, F16 or BF16.
  package func floats(named name: String) throws(CheckpointError) -> [Float] {
    let (file, tensor) = try locate(name)
    return try file.floats(of: tensor)
  }

  /// A tensor of two dimensions, widened to float32.
  ///
  /// - Throws: `CheckpointError.tensor` where it is missing, not F32, F16 or BF16, or not of two
  ///   dimensions.
  package func matrix(named name: String) throws(CheckpointError) -> Matrix<Float> {
    let (file, tensor) = try locate(name)
    guard tensor.shape.count == 2 else {
      throw .tensor(name: name, file: file.url.path, .notAMatrix(shape: tensor.shape))
    }
    return Matrix<Float>(
      rows: tensor.shape[0], columns: tensor.shape[1], elements: try file.floats(of: tensor))
  }

  /// Lends a tensor's bytes to `body`, which must not let them escape: row-major, little-endian,
  /// at any alignment.
  ///
  /// - Throws: `CheckpointError.tensor` where it is missing; what `body` throws.
  package func withUnsafeBytes<Result>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let bytes = try unsafe unsafeBytes(of: name)
    return try withExtendedLifetime(self) { try unsafe body(bytes) }
  }

  /// A tensor's bytes in the mapping: row-major, little-endian, at any alignment.
  ///
  /// The pointer is valid while this checkpoint lives; nothing keeps it from being used longer.
  ///
  /// - Throws: `CheckpointError.tensor` where it is missing.
  @unsafe
  package func unsafeBytes(of name: String) throws(CheckpointError) -> UnsafeRawBufferPointer {
    let (file, tensor) = try locate(name)
    return unsafe file.unsafeBytes(of: tensor)
  }

  /// Asks the kernel to read a tensor ahead; no effect where there is none of that name, or it is read past the
  /// system's cache.
  package func adviseWillNeed(_ name: String) {
    if !isReadUncached { advise(.willNeed, name) }
  }

  /// Lets the kernel drop a tensor's pages, so that a pass over a checkpoint larger than memory
  /// keeps little of it resident; they are read again if touched.
  package func adviseDontNeed(_ name: String) {
    advise(.dontNeed, name)
  }

  /// The same for some of a tensor's bytes, counted from its first.
  package func adviseDontNeed(_ name: String, bytes: Range<Int>) {
    guard let (file, tensor) = place(of: name) else { return }
    file.advise(.dontNeed, for: tensor, bytes: bytes)
  }

  /// The file for reads of a tensor past the system's cache; nil where they go through it.
  func uncachedFile(of name: String) -> (file: UncachedFile, start: Int)? {
    guard isReadUncached, let (file, tensor) = place(of: name) else { return nil }
    return file.uncached(for: tensor).map { ($0, tensor.byteRange.lowerBound) }
  }

  /// Every tensor with its file, by name.
  var located: [(file: SafetensorsFile, tensor: TensorDescription)] {
    tensorNames.compactMap { name in
      guard let file = fileOfTensor[name], let tensor = file.tensor(named: name) else { return nil }
      return (file, tensor)
    }
  }

  private func advise(_ advice: MappedFile.Advice, _ name: String) {
    guard let (file, tensor) = place(of: name) else { return }
    file.advise(advice, for: tensor)
  }

  private func place(of name: String) -> (file: SafetensorsFile, tensor: TensorDescription)? {
    if let file = fileOfTensor[name] { return file.tensor(named: name).map { (file, $0) } }
    guard let slice = TensorSlice(parsing: name), let file = fileOfTensor[slice.tensor],
      let tensor = file.tensor(named: slice.tensor)?.slice(slice.index)
    else { return nil }
    return (file, tensor)
  }

  private func locate(
    _ name: String
  ) throws(CheckpointError) -> (SafetensorsFile, TensorDescription) {
    guard let place = place(of: name) else {
      throw .tensor(name: name, file: folder.path, .missing)
    }
    return place
  }
}

extension Checkpoint {
  /// What its tensors take together.
  package var byteCount: Int { Self.byteCount(of: shards) }

  private static func byteCount(of shards: [Shard]) -> Int {
    shards.flatMap(\.tensors).reduce(0) { $0 + $1.byteRange.count }
  }
}
