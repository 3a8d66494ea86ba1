import Support
import Testing

@Suite struct NearestNameTests {
  private static let names = ["alpha", "rank", "attack", "attack-seeds", "max-tokens", "dataset"]

  @Test(arguments: [
    ("alhpa", "alpha"), ("alpa", "alpha"), ("ranks", "rank"), ("attackseeds", "attack-seeds"),
    ("max_tokens", "max-tokens"), ("--dataset", "dataset"), ("datasets", "dataset"),
  ])
  func aMisspeltNameIsRecognised(text: String, name: String) {
    #expect(NearestName.of(text, among: Self.names) == name)
  }

  @Test(arguments: ["temperature", "", "xyz", "q"])
  func whatIsNothingLikeItIsNot(text: String) {
    let found = NearestName.of(text, among: ["alpha", "dataset"])
    #expect(found == nil)
    #expect(NearestName.question(text, among: ["alpha", "dataset"]) == "")
  }
}

/// What is recorded of a command can be read back.
@Suite struct CommandWordsTests {
  @Test(arguments: [
    ["loxeval", "sweep", "--alpha", "0..2"], ["a b", "", "it's", "\"x\"", "$HOME `id` \\"],
    ["line\nbreak\ttab", "ä é ∞", "'", "''", "a'b'c"],
    ["--serve", "llama-server -m {gguf} --port {port}"],
  ])
  func quotedWordsAreReadBack(words: [String]) {
    let text = words.map(CommandTemplate.quoted).joined(separator: " ")
    #expect(CommandTemplate.words(text) == words)
  }

  @Test func whatPeopleTypeIsReadAsAShellReadsIt() {
    #expect(
      CommandTemplate.words(#" a\ b "c \" \n d"  'e\'  f"g"'h' "#) == [
        "a b", #"c " \n d"#, #"e\"#, "fgh",
      ])
    #expect(CommandTemplate.words("a 'b") == nil)
    #expect(CommandTemplate.words("a \\") == nil)
    #expect(CommandTemplate.words("  ") == [])
  }
}
