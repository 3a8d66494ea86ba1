import Testing

@testable import Checkpoints

@Suite("Patterns of module names")
struct ModulePatternTests {
  static let names = ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]

  /// Which names match was asked of Python: `re.match(rf"(.*\.)?({key})$", name)`.
  @Test(
    arguments: [
      (#"q_proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"layers\.1\.q_proj"#, ["layers.1.q_proj"]),
      (#"layers\.\d+\.(q|v)_proj"#, ["layers.1.q_proj", "layers.12.v_proj"]),
      (#"^layers.1.q_proj"#, ["layers.1.q_proj"]),
      (#"proj"#, []),
      (#".*q_proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"(q|k|v|o)_proj"#, ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]),
      (#"[qkv]_proj"#, ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]),
      (#"[^q]_proj"#, ["layers.12.v_proj"]),
      (#"layers\.[0-9]{1,2}\..*"#, ["layers.1.q_proj", "layers.12.v_proj"]),
      (#"layers\.1?\.?q_proj$"#, ["layers.1.q_proj", "layers.q_proj"]),
      (#"q{1}_pro{0,2}j"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"(?:layers\.)?1\.q_proj"#, ["layers.1.q_proj"]),
      (#"\w+"#, ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]),
      (#"\w+?_\w*?"#, ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]),
      (#"q_proj|nothing"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#""#, []),
      (#"[]q]_proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"q_{,2}proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"(a|)*q_proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"layers\.(1|2){1}\.[a-z_-]+"#, ["layers.1.q_proj"]),
      (#"q\_proj"#, ["layers.1.q_proj", "q_proj", "layers.q_proj"]),
      (#"x{q}"#, []),
      (#"\D+_proj"#, ["layers.1.q_proj", "layers.12.v_proj", "q_proj", "layers.q_proj"]),
      (#"(q_proj){2,}"#, []),
    ] as [(String, [String])])
  func matchesAsPythonDoes(key: String, matching: [String]) throws {
    let pattern = try #require(ModulePattern(key))
    #expect(Self.names.filter(pattern.matches) == matching)
  }

  @Test(arguments: [
    #"("#,
    #"a)"#,
    #"[a"#,
    #"*"#,
    #"a**"#,
    #"a++"#,
    #"(?=a)"#,
    #"(?i)a"#,
    #"(a)\1"#,
    #"\b"#,
    #"a{3,2}"#,
    #"(?P<n>a)"#,
    #"(((((((((((((((((((((((((((((((((((((((())))))))))))))))))))))))))))))))))))))))"#,
  ])
  func whatIsNotRegularIsRefused(key: String) {
    #expect(ModulePattern(key).map { _ in true } == nil)
  }

  /// Found by fuzzing: an engine that backtracks does not come back from these.
  @Test(arguments: [
    "(a+)+", "(a|a)*c", "(.*)*x", "((a?){50}){50}b", "a{1000000000}", "(a{0,9}){0,}c",
  ])
  func noPatternTakesLong(key: String) throws {
    let pattern = try #require(ModulePattern(key))
    #expect(!pattern.matches(String(repeating: "a", count: 60) + ".d"))
  }
}
