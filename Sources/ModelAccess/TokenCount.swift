/// How many tokens somebody says there were.
package enum TokenCount {
  private static let range = 0...1_000_000_000

  /// - Returns: nil where no reply can have so many: a server, or a file, says what it likes.
  package static func possible(_ count: Int?) -> Int? {
    count.flatMap { range.contains($0) ? $0 : nil }
  }
}
