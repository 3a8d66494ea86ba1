package import Foundation

/// The lines of a text file of any size, read piece by piece: no more of it is held than its longest line.
package enum StreamedLines {
  /// Longer ones are refused: 256 MiB.
  package static let longest = 268_435_456

  private static let pieceSize = 1 << 20

  /// Where a line stands in its file.
  package struct Place: Hashable, Sendable {
    /// From 1, blank ones counted.
    package let number: Int
    /// Of its first byte, behind a byte order mark.
    package let offset: Int
  }

  /// Hands over each line that ends with a line feed and is not blank.
  ///
  /// - Parameter body: given the line's place, and its bytes without its end and, of the first, without a
  ///   byte order mark.
  /// - Returns: how many bytes stand up to the last line's end; what is behind it is no whole line.
  @discardableResult
  package static func read(
    _ url: URL, _ body: (_ place: Place, _ bytes: Data) throws -> Void
  ) throws -> Int {
    let file = try RegularFile(url.path)
    var pending = Data()
    var whole = 0
    var number = 1
    var piece = Data(count: pieceSize)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes { [descriptor = file.descriptor] buffer in
        unsafe Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw RegularFile.Fault(
          kind: .system(code: errno), reason: unsafe String(cString: strerror(errno)))
      }
      guard count > 0 else { return whole }
      var begin = 0
      while let end = lineFeed(in: piece, begin..<count) {
        let ending = piece[begin..<end]
        var line = pending.isEmpty ? Data(ending) : pending + ending
        pending.removeAll(keepingCapacity: true)
        begin = end + 1
        var offset = whole
        whole += line.count + 1
        if number == 1, line.starts(with: mark) {
          line.removeFirst(mark.count)
          offset += mark.count
        }
        if line.contains(where: { $0 > 0x20 }) {
          try body(Place(number: number, offset: offset), line)
        }
        number += 1
      }
      pending.append(piece[begin..<count])
      guard pending.count <= longest else {
        throw RegularFile.Fault(
          kind: .tooLarge,
          reason: "line \(number) has more than the \(longest) bytes that are read of one")
      }
    }
  }

  /// The same with each line decoded, by as many threads as there are processors: what `body` gets, in the order
  /// of the file, does not depend on their number.
  ///
  /// - Parameter decode: what a line says; called for lines ahead of the one that `body` has.
  @discardableResult
  package static func read<Value: Sendable>(
    _ url: URL, decoding decode: @escaping @Sendable (Data) -> Value,
    _ body: (_ place: Place, Value) throws -> Void
  ) throws -> Int {
    var batch: [(place: Place, bytes: Data)] = []
    var size = 0
    func finish() throws {
      let values = mapConcurrently(batch.map(\.bytes), decode)
      for (line, value) in zip(batch, values) { try body(line.place, value) }
      batch.removeAll(keepingCapacity: true)
      size = 0
    }
    let whole = try read(url) { place, bytes in
      batch.append((place, bytes))
      size += bytes.count
      if size >= pieceSize { try finish() }
    }
    try finish()
    return whole
  }

  /// Where the next line ends. `Data` itself would check its access for every byte: half of what reading takes.
  ///
  /// - Parameters:
  ///   - piece: no slice of other data.
  ///   - range: of its bytes that are looked at.
  package static func lineFeed(in piece: Data, _ range: Range<Int>) -> Int? {
    unsafe piece.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress,
        let found = unsafe memchr(start + range.lowerBound, 0x0A, range.count)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - start
    }
  }

  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
