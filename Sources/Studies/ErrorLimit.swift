import Support

/// How many failed requests a run bears: a number, or a share of what was asked in this session.
package enum ErrorLimit: Hashable, Sendable, ExpressibleByIntegerLiteral {
  case count(Int)
  /// From 0 to 1; looked at once `shareMinimum` requests are through.
  case share(Double)

  /// Requests below which a share says little.
  static let shareMinimum = 20

  package init(integerLiteral value: Int) { self = .count(value) }

  /// Of a number.
  private static let countRange = NumberRange(0...1_000_000_000)

  /// - Parameter text: `20`, or `5%`.
  package init?(parsing text: String) {
    if text.hasSuffix("%") {
      guard let share = try? Share(parsing: text) else { return nil }
      self = .share(share.value)
    } else {
      guard let count = try? Self.countRange.read(text) else { return nil }
      self = .count(count)
    }
  }

  func isPassed(errors: Int, asked: Int) -> Bool {
    switch self {
    case .count(let limit): errors > limit
    case .share(let limit):
      asked >= Self.shareMinimum && Double(errors) > limit * Double(asked)
    }
  }
}
