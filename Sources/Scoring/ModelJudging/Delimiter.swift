import Support

/// Fences around judged text that the text cannot close: each carries a mark that does not occur in
/// the text, so nothing inside can pass for the end of it or for words of the harness.
///
/// The mark is derived from the text, so that the same question is asked in the same words every
/// time; a model that writes a reply cannot know the fingerprint of what it has not finished.
struct Delimiter: Sendable {
  let mark: String

  init(avoiding texts: [String]) {
    let joined = texts.joined(separator: "\u{0}")
    var salt = 0
    var mark = ""
    repeat {
      mark = Fingerprint.of("\(salt)\u{0}" + joined)
      salt += 1
    } while texts.contains { $0.contains(mark) }
    self.mark = mark
  }

  func fence(_ text: String, as name: String) -> String {
    "<<\(name) \(mark)>>\n\(text)\n<<end of \(name) \(mark)>>"
  }
}
