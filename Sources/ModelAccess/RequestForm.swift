/// How a chat request is written where a server, or the user, wants it otherwise than usual.
///
/// It decides the replies, so a run's plan holds it. The usual form sends `max_tokens`, `temperature`,
/// `top_p`, `seed` and `stream` always.
package struct RequestForm: Codable, Hashable, Sendable {
  /// Fields that the user leaves out, sorted.
  package var omitted: [String]
  /// Further fields of the body: a JSON object's text, keys sorted; nil for none.
  package var extra: String?
  /// Fields that the server refused, sorted: `max_tokens` is then called `max_completion_tokens`, others
  /// are left out.
  package var refused: [String]

  private enum CodingKeys: String, CodingKey {
    case omitted, refused
    case extra = "extra_body"
  }

  package static let usual = RequestForm()

  /// Fields that may be left out: none of them selects the model or says what is asked.
  package static let omittable = ["max_tokens", "seed", "stream", "temperature", "top_p"]

  package init(omitted: [String] = [], extra: String? = nil, refused: [String] = []) {
    self.omitted = Set(omitted).sorted()
    self.extra = extra
    self.refused = Set(refused).sorted()
  }

  /// Without what a server refused: what was asked for.
  package var wanted: RequestForm { RequestForm(omitted: omitted, extra: extra) }

  package mutating func refuse(_ field: String) {
    refused = Set(refused).union([field]).sorted()
  }

  /// What is unusual, in words for provenance: `without seed, max_completion_tokens`; empty for the
  /// usual form.
  package var label: String {
    let left = Set(omitted).union(refused.filter { $0 != Self.tokenLimit }).sorted()
    var parts = left.isEmpty ? [] : ["without \(left.joined(separator: " and "))"]
    if refused.contains(Self.tokenLimit) { parts.append(Self.newTokenLimit) }
    if let extra { parts.append("with \(extra)") }
    return parts.joined(separator: ", ")
  }

  package static let tokenLimit = "max_tokens"
  package static let newTokenLimit = "max_completion_tokens"
}
