package import Foundation
import LinearAlgebra

/// How a changed checkpoint is written.
package struct RewritingOptions: Sendable {
  /// Tensors that are computed on at a time, about.
  package var threads = 1
  /// Bytes that the tensors being worked on may take together; a larger one goes alone.
  package var memory = 1 << 30
  /// Whether changed tensors are written in float32, whatever their own type: rounded to bfloat16 many small
  /// changes would be none.
  package var widensChanged = false
  /// Told what rounding leaves of the change; nil where nobody asks.
  package var rounding: RoundingTally?
  /// Further files by name; they replace copied ones.
  package var additionalFiles: [String: Data] = [:]
  /// Makes the work one that can be gone on with when the process is killed.
  package var continuation: CheckpointWriter.Continuation?

  package init() {}
}

extension Checkpoint {
  /// Writes a copy with changed tensors: the same shards, element types and side files.
  ///
  /// Tensors are taken one by one, as many at a time as there are threads and memory for; none stays
  /// in memory, so the checkpoint may be larger than it. A tensor without a change is copied byte for
  /// byte. Sums are rounded once to the element type that is written (to nearest even): the tensor's, or float32
  /// where options say so.
  ///
  /// - Parameters:
  ///   - output: a folder that does not exist yet; until all is written it has another name.
  ///   - workingSet: bytes that forming a tensor's change takes.
  ///   - isChanged: whether anything is added to the matrix, or other tensor, of a name.
  ///   - change: what; asked of one matrix of a tensor of experts at a time, with the weights of the whole tensor, which
  ///     are read again when it is there. Called by several threads.
  ///   - readAhead: asks for what forming a change will read besides this checkpoint.
  ///   - requireUnchanged: checks the other files that changes are formed of, at the end.
  ///   - progress: called after each tensor with how many of how many are done, by one thread at a
  ///     time; what it throws ends the work.
  package func writeChanged(
    to output: URL, options: RewritingOptions = RewritingOptions(),
    workingSet: @escaping (String) -> Int = { _ in 0 },
    isChanged: @escaping @Sendable (_ name: String) throws -> Bool,
    change: @escaping @Sendable (_ name: String, _ weights: WeightStream) throws -> TensorChange?,
    readAhead: @escaping @Sendable (_ name: String) -> Void = { _ in },
    requireUnchanged requireOthers: () throws -> Void = {},
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    let writer = try CheckpointWriter(
      to: output, like: self, widening: options.widensChanged ? try tensors(where: isChanged) : [],
      additionalFiles: options.additionalFiles, continuation: options.continuation)
    let remaining = Set(writer.remaining)
    let names = shards.flatMap { $0.tensors.map(\.name) }.filter(remaining.contains)
    let queue = TensorQueue(
      names: names, memory: options.memory,
      readAhead: {
        self.adviseWillNeed($0)
        readAhead($0)
      },
      workingSet: { name in
        self.tensor(named: name).flatMap { self.matrices(in: $0).first }.map(workingSet) ?? 0
      })
    let tally = options.widensChanged ? nil : options.rounding
    for sums in writer.roundingBefore { tally?.add(sums) }
    let total = tensorNames.count
    let counter = TensorCounter(done: total - names.count)
    var isDone = false
    defer { if !isDone { writer.abandon() } }
    try queue.run(threads: TensorQueue.threads(computing: options.threads, on: self)) { name in
      defer { self.adviseDontNeed(name) }
      try self.write(
        name, to: writer, tally: tally, isChanged: isChanged, change: change)
      try counter.countOne { try progress($0, total) }
    }
    try requireUnchanged()
    try requireOthers()
    try writer.finish()
    isDone = true
  }

  /// Bytes of all tensors where those that are computed on are written in float32.
  package var widenedByteCount: Int {
    shards.flatMap(\.tensors).reduce(0) { $0 + TensorDeclaration($1).widened().byteCount }
  }

  /// The stored tensors that hold a matrix of which something is so.
  package func tensors(where holds: (_ matrix: String) throws -> Bool) rethrows -> Set<String> {
    Set(
      try shards.flatMap(\.tensors).filter { try matrices(in: $0).contains(where: holds) }.map(
        \.name)
    )
  }

  /// Writes a copy, byte for byte, with further files beside the weights.
  package func copy(to folder: URL, additionalFiles: [String: Data]) throws {
    var options = RewritingOptions()
    options.additionalFiles = additionalFiles
    try writeChanged(
      to: folder, options: options, isChanged: { _ in false }, change: { _, _ in nil })
  }

  private func write(
    _ name: String, to writer: CheckpointWriter, tally: RoundingTally?,
    isChanged: (String) throws -> Bool, change: (String, WeightStream) throws -> TensorChange?
  ) throws {
    guard let tensor = tensor(named: name) else { return }
    let matrices = matrices(in: tensor)
    guard try matrices.contains(where: isChanged) else {
      try writer.copy(name, from: self)
      return
    }
    let weights = try WeightStream(name, in: self)
    let size = max(1, tensor.elementCount / matrices.count)
    let columns = max(1, tensor.shape.last ?? 1)
    // One change at a time is in memory: pieces end where matrices do.
    var current: (matrix: Int, change: TensorChange?)?
    let own = tally.map { _ in RoundingTally() }
    try writer.write(
      name, inPiecesOf: columns,
      most: matrices.count == 1 ? nil : columns * Self.rowsAtATime(of: size / columns, columns),
      rounding: own
    ) { range, piece in
      try weights.widen(range, into: &piece)
      let index = range.lowerBound / size
      if current?.matrix != index {
        current = nil
        let matrix = matrices[index]
        current = (index, try isChanged(matrix) ? try change(matrix, weights) : nil)
      }
      let first = range.lowerBound - index * size
      if let change = current?.change {
        let before = own.map { _ in Self.some(of: piece) }
        try change.add(first..<first + range.count, to: &piece)
        if let own, let before, let elementType = tensor.dtype.elementType {
          own.add(before, Self.some(of: piece), as: elementType)
        }
      }
    }
    if let own { tally?.add(own.found) }
  }

  /// The values of a piece that a tally looks at.
  private static func some(of piece: borrowing MutableSpan<Float>) -> [Float] {
    stride(from: 0, to: piece.count, by: RoundingTally.stride).map { piece[$0] }
  }

  /// The most rows of a matrix, about a million values of them, that it consists of a whole number of.
  private static func rowsAtATime(of rows: Int, _ columns: Int) -> Int {
    let most = max(1, min(rows, (1 << 20) / columns))
    return (1...most).last { rows % $0 == 0 } ?? 1
  }

  /// The names by which updates change what a stored tensor holds: its own, those of its matrices where it
  /// holds experts, the embedding's where it is a head that is the embedding.
  package func matrices(in tensor: TensorDescription) -> [String] {
    if tensor.holdsExperts { return TensorSlice.names(of: tensor) }
    guard let tied = tiedHead, tied.copy == tensor.name else { return [tensor.name] }
    return [tied.name]
  }

  /// Writes a copy with a stack of scaled updates merged into the weights, summed in float64 and
  /// rounded once to the element type that is written.
  ///
  /// - Throws: `CheckpointError`: a tensor that an update names is missing or of another shape, or
  ///   the folder cannot be written.
  package func writeMerged(
    _ stack: [ScaledWeightUpdate], to folder: URL, options: RewritingOptions = RewritingOptions(),
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    for name in Set(stack.flatMap { $0.update.tensorNames }).sorted()
    where tensor(named: name) == nil {
      throw CheckpointError.tensor(name: name, file: self.folder.path, .missing)
    }
    let changed = Set(stack.flatMap { $0.update.tensorNames })
    try writeChanged(
      to: folder, options: options, isChanged: { changed.contains($0) },
      change: { name, _ in try self.change(of: name, by: stack) }, progress: progress)
  }
}
