package import Foundation
package import LinearAlgebra
import Support

/// Writes a Hugging Face model folder, tensor by tensor in any order, without holding more than
/// one.
///
/// The folder appears under its name only when `finish()` returns; until then it stands beside it
/// as `NAME.partial-…`, and it is removed if this goes away unfinished.
package final class CheckpointWriter: @unchecked Sendable {
  // Unchecked: `write` and `copy` may be called by several threads at once, each for tensors of its
  // own; what they share is the writers', which see to themselves, and the journal behind its lock.

  /// One file to be written.
  package struct ShardDeclaration: Sendable {
    /// The plain name, such as `model.safetensors`.
    package let fileName: String
    /// Every tensor, in the order in which their bytes shall lie.
    package let tensors: [TensorDeclaration]
    /// The strings under `__metadata__`; transformers asks for `format`.
    package let metadata: [String: String]

    package init(
      fileName: String = "model.safetensors", tensors: [TensorDeclaration],
      metadata: [String: String] = ["format": "pt"]
    ) {
      self.fileName = fileName
      self.tensors = tensors
      self.metadata = metadata
    }
  }

  /// What a killed process leaves behind, so that another can go on.
  package struct Continuation: Sendable {
    /// All that decides the contents.
    package let key: String
    /// Whether to go on where a process with the same key was killed; otherwise its work is removed.
    package let resumes: Bool

    package init(key: String, resumes: Bool) {
      self.key = key
      self.resumes = resumes
    }
  }

  private let partial: PartialOutput
  private let journal: WriteJournal?
  private let writers: [SafetensorsWriter]
  private let writerOfTensor: [String: SafetensorsWriter]

  /// Creates a folder with the layout of another checkpoint: its shard names, tensor order, dtypes
  /// and metadata, and copies of its other files.
  ///
  /// - Parameter widened: tensors that are written in float32 in place of a narrower type of their own.
  /// - Throws: `CheckpointError.fileSystem`.
  package convenience init(
    to folder: URL, like checkpoint: Checkpoint,
    widening widened: Set<String> = [],
    additionalFiles: [String: Data] = [:],
    replaceExisting: Bool = false, continuation: Continuation? = nil
  ) throws(CheckpointError) {
    let shards = checkpoint.shards.map { shard in
      ShardDeclaration(
        fileName: shard.fileName,
        tensors: shard.tensors.map { tensor in
          let declared = TensorDeclaration(tensor)
          return widened.contains(tensor.name) ? declared.widened() : declared
        }, metadata: shard.metadata)
    }
    try self.init(
      to: folder, shards: shards, isIndexed: checkpoint.isIndexed,
      copyingFilesFrom: checkpoint.folder, additionalFiles: additionalFiles,
      replaceExisting: replaceExisting, continuation: continuation)
  }

  /// Creates a folder and its files' headers, and copies the files that are not weights.
  ///
  /// - Parameters:
  ///   - folder: the finished folder. Folders above it are created.
  ///   - shards: the files with their tensors.
  ///   - isIndexed: whether to write `model.safetensors.index.json`; nil writes it where there is
  ///     more than one file.
  ///   - source: a model folder whose files that are neither weights nor hidden are copied:
  ///     configuration, tokenizer, chat template, licence.
  ///   - additionalFiles: further files by name; they replace copied ones.
  ///   - replaceExisting: whether a folder of that name may be replaced.
  ///   - continuation: makes the work one that can be gone on with when the process is killed.
  /// - Precondition: tensor names are unique over all shards.
  /// - Throws: `CheckpointError.fileSystem`: the output exists, the space does not suffice, or the
  ///   system refuses.
  package init(
    to folder: URL, shards: [ShardDeclaration], isIndexed: Bool? = nil,
    copyingFilesFrom source: URL? = nil, additionalFiles: [String: Data] = [:],
    replaceExisting: Bool = false, continuation: Continuation? = nil
  ) throws(CheckpointError) {
    let needed = shards.reduce(0) { $0 + SafetensorsWriter.byteCount(of: $1.tensors) }
    let partial = try PartialOutput(
      .folder, at: folder, needed: needed, replaceExisting: replaceExisting,
      continues: continuation?.resumes)
    let journal = try continuation.map { value throws(CheckpointError) in
      try WriteJournal(in: partial, key: value.key)
    }
    var writers: [SafetensorsWriter] = []
    var writerOfTensor: [String: SafetensorsWriter] = [:]
    for shard in shards {
      let writer = try SafetensorsWriter(
        inside: partial, fileName: shard.fileName, tensors: shard.tensors,
        metadata: shard.metadata, done: journal?.done,
        isUncached: MachineMemory.isFilled(by: needed))
      writers.append(writer)
      for tensor in shard.tensors {
        let previous = writerOfTensor.updateValue(writer, forKey: tensor.name)
        precondition(previous == nil, "tensor \(tensor.name) is declared twice")
      }
    }
    if isIndexed ?? (shards.count > 1) {
      try Self.writeIndex(of: shards, into: partial.url)
    }
    if let source {
      try Self.copyOtherFiles(
        from: source, to: partial.url, except: Set(additionalFiles.keys))
    }
    for (name, data) in additionalFiles.sorted(by: { $0.key < $1.key }) {
      try OutputFile.write([UInt8](data), to: partial.url.appending(path: name).path)
    }
    self.partial = partial
    self.journal = journal
    self.writers = writers
    self.writerOfTensor = writerOfTensor
  }

  private static func writeIndex(
    of shards: [ShardDeclaration], into folder: URL
  ) throws(CheckpointError) {
    let totalSize = shards.reduce(0) { $0 + SafetensorsWriter.byteCount(of: $1.tensors) }
    let map = shards.flatMap { shard in shard.tensors.map { ($0.name, shard.fileName) } }
      .sorted { $0.0 < $1.0 }
      .map { JSONNode.Member(key: $0.0, value: .string($0.1)) }
    let index = JSONNode.object([
      JSONNode.Member(
        key: "metadata",
        value: .object([JSONNode.Member(key: "total_size", value: .number("\(totalSize)"))])),
      JSONNode.Member(key: "weight_map", value: .object(map)),
    ])
    try OutputFile.write(
      [UInt8]((index.indented() + "\n").utf8),
      to: folder.appending(path: Checkpoint.indexFileName).path)
  }

  /// Copies the plain files of a folder that are neither hidden nor weights nor part of an adapter,
  /// following links, as the Hugging Face cache consists of them.
  private static func copyOtherFiles(
    from source: URL, to target: URL, except replaced: Set<String>
  ) throws(CheckpointError) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: source.path)
    } catch {
      throw .fileSystem(.folderMissing(path: source.path))
    }
    for name in names.sorted()
    where !name.hasPrefix(".") && !WeightFiles.contains(name) && !replaced.contains(name)
      && name != PEFTAdapter.configurationFileName
    {
      let path = source.appending(path: name).path
      let copy = target.appending(path: name).path
      do {
        let file = try MappedFile(path)
        try unsafe file.withUnsafeBytes(in: 0..<file.count) { bytes throws(CheckpointError) in
          // A process that was killed may have begun it.
          unsafe unlink(copy)
          let output = try OutputFile(creating: copy)
          try unsafe output.write(bytes.bytes, at: 0)
          try output.synchronize()
        }
      } catch .fileSystem(.emptyFile) {
        try OutputFile.write([], to: copy)
      } catch .fileSystem(.notAFile) {
        // Folders, and what is no file, are no part of a model.
        continue
      }
    }
  }

  /// Refuses a destination, of a checkpoint or an adapter, where something is already: before long
  /// work, whose result would then have no place.
  ///
  /// - Throws: `CheckpointError.fileSystem`.
  package static func refuseOccupied(_ destination: URL) throws(CheckpointError) {
    try PartialOutput.refuseOccupied(destination)
  }

  /// Removes what killed processes left of a checkpoint or an adapter that was not whole, where that is sure.
  ///
  /// - Precondition: the caller holds the lock without which nobody writes the destination.
  package static func removeLeftovers(of destination: URL) {
    PartialOutput.removeLeftovers(of: destination)
  }

  /// Whether it is sure in a folder: locks there reach all who may write.
  package static func knowsLeftovers(in folder: URL) -> Bool {
    PartialOutput.knowsLeftovers(in: folder)
  }

  /// What rounding left of the changes of tensors that a killed process had written.
  var roundingBefore: [RoundingTally.Sums] { journal?.rounding ?? [] }

  /// Names declared and not yet written, sorted.
  package var remaining: [String] { writers.flatMap(\.remaining).sorted() }

  /// Writes a tensor's values, row-major, narrowed to the declared dtype (to nearest even).
  ///
  /// - Precondition: the tensor is declared as F32, F16 or BF16, has that many values, and was not
  ///   written before.
  /// - Throws: `CheckpointError.fileSystem`.
  package func write(_ values: [Float], of name: String) throws(CheckpointError) {
    try writer(of: name).write(values, of: name)
    try journal?.append(name)
  }

  /// Writes values that are made piece by piece, narrowed to the declared dtype (to nearest even); see
  /// `SafetensorsWriter.write(_:inPiecesOf:_:)`.
  ///
  /// - Parameter rounding: told of this tensor's; kept for a process that goes on with this one's work.
  /// - Precondition: as for an array of values, whose count is a multiple of `unit`.
  /// - Throws: `CheckpointError.fileSystem`; what `fill` throws.
  package func write(
    _ name: String, inPiecesOf unit: Int, most: Int? = nil, rounding: RoundingTally? = nil,
    _ fill: (Range<Int>, inout MutableSpan<Float>) throws -> Void
  ) throws {
    try writer(of: name).write(name, inPiecesOf: unit, most: most, fill)
    try journal?.append(name, rounding: rounding?.found)
  }

  /// Writes a matrix, narrowed to the declared dtype (to nearest even).
  ///
  /// - Precondition: as for values, and the declared shape is the matrix's.
  /// - Throws: `CheckpointError.fileSystem`.
  package func write(_ matrix: Matrix<Float>, of name: String) throws(CheckpointError) {
    try write(matrix.elements, of: name)
  }

  /// Copies a tensor of another checkpoint without conversion.
  ///
  /// - Precondition: the tensor is declared with that checkpoint's dtype and shape, and was not
  ///   written before.
  /// - Throws: `CheckpointError.tensor` where the checkpoint has none of that name, `.fileSystem`.
  package func copy(_ name: String, from checkpoint: Checkpoint) throws(CheckpointError) {
    let bytes = try unsafe checkpoint.unsafeBytes(of: name)
    do {
      try withExtendedLifetime(checkpoint) { () throws(CheckpointError) in
        try unsafe writer(of: name).write(bytes.bytes, of: name)
      }
    } catch {
      // The system reads the mapping itself, and where the file was cut short says "bad address".
      try checkpoint.requireUnchanged()
      throw error
    }
    try journal?.append(name)
  }

  private func writer(of name: String) -> SafetensorsWriter {
    guard let writer = writerOfTensor[name] else {
      preconditionFailure("tensor \(name) is not declared")
    }
    return writer
  }

  /// Removes what was written, once no thread writes any more; at once, where going away would wait for
  /// threads that still hold this.
  package func abandon() { partial.abandon() }

  /// Puts everything on the disk and gives the folder its name.
  ///
  /// - Precondition: every declared tensor was written.
  /// - Throws: `CheckpointError.fileSystem`.
  package func finish() throws(CheckpointError) {
    for writer in writers {
      try writer.finish()
    }
    journal?.remove()
    try partial.commit()
  }
}
