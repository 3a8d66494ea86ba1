/// What kind of failure it was: a stable value that reports count by and code compares.
///
/// The set is open: a server's dialect or a judge adds its own beside what it describes. What exactly
/// happened stands beside the code, never in it.
package struct ErrorCode: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package var description: String { rawValue }

  /// A request that was given up because the run was interrupted: no result of any kind.
  package static let cancelled: ErrorCode = "cancelled"
  /// The reply was withheld by a filter of the server's.
  package static let filtered: ErrorCode = "filtered"
  /// The reply ended before its answer began: inside the model's thoughts, or at the token limit.
  package static let unanswered: ErrorCode = "no-answer-within-limit"
  /// A judge's reply that says nothing the judge's form provides for.
  package static let judgeUnparsable: ErrorCode = "judge-unparsable"

  /// A status that is no answer: `http-429`.
  package static func http(_ status: Int) -> ErrorCode { ErrorCode(rawValue: "http-\(status)") }
}

extension ErrorCode: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { rawValue = value }
}

extension ErrorCode: Codable {
  package init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// A failure as it is kept: its kind, and what happened in words.
package struct Failure: Hashable, Sendable, CustomStringConvertible {
  package var code: ErrorCode
  package var detail: String

  package init(_ code: ErrorCode, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  package var description: String { "\(code): \(detail)" }

  /// Reads what a file holds: the text `code: detail` and, from schema 2 on, the code besides. nil where
  /// there is no text.
  package init?(code: ErrorCode?, text: String?) {
    guard let text else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let first = parts.first.map(String.init) ?? ""
    let isCode = code.map { $0.rawValue == first } ?? Self.looksLikeCode(first)
    guard parts.count == 2, isCode else {
      self.init(code ?? "other", text)
      return
    }
    self.init(ErrorCode(rawValue: first), String(parts[1].drop { $0 == " " }))
  }

  private static func looksLikeCode(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
