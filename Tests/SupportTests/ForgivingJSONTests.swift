import Testing

@testable import Support

@Suite struct ForgivingJSONTests {
  @Test(
    arguments: [
      (#""plain""#, #""plain""#),
      ("\"two\nlines\tand \u{1}\"", #""two\u000alines\u0009and \u0001""#),
      (#""C:\new\users\?""#, #""C:\new\\users\\?""#), (#""\u00e9\n\"\\\/""#, #""\u00e9\n\"\\\/""#),
      (#""\ud83d\ude00""#, #""\ud83d\ude00""#), (#""half \ud83d""#, #""half \uFFFD""#),
      (#""\udc00other""#, #""\uFFFDother""#), (#""\ud83d\ud83d\ude00""#, #""\uFFFD\ud83d\ude00""#),
      (#""\u12g4""#, #""\\u12g4""#), (#""\u+123""#, #""\\u+123""#),
      ("\"no end \\", "\"no end \\\\"), ("\"", "\""),
    ])
  func stringsAreMadeStrict(text: String, strict: String) {
    var result: [UInt8] = []
    let bytes = Array(text.utf8)
    let end = ForgivingJSON.copyString(in: bytes + Array(" , \n".utf8), at: 0, into: &result)
    let isClosed = text.count > 1 && text.hasSuffix("\"")
    if isClosed {
      #expect(end == bytes.count)
      #expect(String(decoding: result, as: UTF8.self) == strict)
      #expect((try? JSONNode(parsing: result)) != nil)
    } else {
      #expect(end == bytes.count + 4)
    }
  }
}
