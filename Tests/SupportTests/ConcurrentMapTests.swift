import Foundation
import Support
import TestSupport
import Testing

@Suite struct ConcurrentMapTests {
  @Test(arguments: [0, 1, 2, 7, 64, 1_001]) func itIsAPlainMap(count: Int) {
    let numbers = Array(0..<count)
    #expect(mapConcurrently(numbers) { "\($0 * $0)" } == numbers.map { "\($0 * $0)" })
  }

  /// More bytes than one batch has, so that lines are numbered and placed across batches.
  @Test func linesAreDecodedInTheOrderOfTheFile() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "é", count: 5_000)
    let lines = (1...400).map { $0 % 50 == 0 ? "" : "\($0) \(long)" }
    let file = try folder.write(lines.joined(separator: "\n") + "\ncut", "lines")
    var plain: [(StreamedLines.Place, Int)] = []
    var decoded: [(StreamedLines.Place, Int)] = []
    let end = try StreamedLines.read(file) { plain.append(($0, $1.count)) }
    #expect(
      try StreamedLines.read(file, decoding: \.count) { decoded.append(($0, $1)) } == end)
    #expect(plain.count == 392)
    #expect(decoded.map(\.0) == plain.map(\.0) && decoded.map(\.1) == plain.map(\.1))
  }

  private struct Enough: Error {}

  @Test func theFirstErrorEndsTheReading() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write((1...100).map { "\($0)\n" }.joined(), "lines")
    var seen: [Int] = []
    #expect(throws: Enough.self) {
      try StreamedLines.read(
        file, decoding: { Int(String(decoding: $0, as: UTF8.self)) ?? 0 },
        { _, number in
          seen.append(number)
          if number == 7 { throw Enough() }
        })
    }
    #expect(seen == Array(1...7))
  }
}
