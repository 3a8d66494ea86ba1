import Testing

@testable import Support

@Suite("JSON that keeps order, repeated keys and numbers")
struct JSONNodeTests {
  @Test(
    "valid texts",
    arguments: [
      ("{}", .object([])), (" [ ] ", .array([])), ("null", .null), ("true", .boolean(true)),
      ("-0.5e+10", .number("-0.5e+10")), ("18446744073709551616", .number("18446744073709551616")),
      (#""a\"\\\/\b\f\n\r\té""#, .string("a\"\\/\u{8}\u{C}\n\r\té")),
      (#""\u00e9\ud83d\ude00""#, .string("é😀")),
      (
        #"{"b":1,"a":[false],"b":2}"#,
        .object([
          .init(key: "b", value: .number("1")), .init(key: "a", value: .array([.boolean(false)])),
          .init(key: "b", value: .number("2")),
        ])
      ),
    ] as [(String, JSONNode)])
  func valid(text: String, expected: JSONNode) throws {
    let node = try JSONNode(parsing: [UInt8](text.utf8))
    #expect(node == expected)
    // What is written reads back as the same.
    #expect(try JSONNode(parsing: [UInt8](node.serialized.utf8)) == expected)
    #expect(try JSONNode(parsing: [UInt8](node.indented().utf8)) == expected)
  }

  @Test(
    "texts that are not JSON, with the byte where that shows",
    arguments: [
      ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1), ("{\"a\" 1}", 5),
      ("01", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1e", 2), ("NaN", 0), ("nul", 0), ("1 2", 2),
      ("\"a", 2), ("\"\u{1}\"", 1), (#""\x""#, 3), (#""\u12g4""#, 5), (#""\ud800""#, 7),
      (#""\udc00x""#, 7), (#""\ud800\u0041""#, 13),
    ])
  func invalid(text: String, offset: Int) {
    let error = #expect(throws: JSONNode.SyntaxError.self) {
      try JSONNode(parsing: [UInt8](text.utf8))
    }
    #expect(error?.offset == offset)
  }

  @Test("deep nesting is refused before it exhausts the stack")
  func nesting() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: JSONNode.SyntaxError(reason: "nested too deeply", offset: 65)) {
      try JSONNode(parsing: [UInt8](text.utf8))
    }
  }

  @Test("keys that Unicode calls equivalent are kept apart")
  func equivalentKeys() throws {
    let node = try JSONNode(parsing: Array("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8))
    #expect(node.members?.map { Array($0.key.utf8).count } == [2, 3])
  }

  @Test("integers are integers only, and fit")
  func integers() throws {
    let node = try JSONNode(parsing: [UInt8]("[7,-1,1.0,1e2,9223372036854775808]".utf8))
    #expect(node.elements?.map(\.integer) == [7, -1, nil, nil, nil])
  }
}
