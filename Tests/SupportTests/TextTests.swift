import Foundation
import Support
import Testing

/// Spellings of which there is one each.
@Suite struct TextTests {
  /// Values of the FNV reference (Noll's test vectors).
  @Test(
    arguments: [
      ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
    ] as [(String, UInt64)])
  func fingerprintsAreFNV1a(text: String, hash: UInt64) {
    #expect(Fingerprint.hash(text) == hash)
    #expect(Fingerprint.of(text) == String(hash, radix: 16))
    #expect(Fingerprint.of(Data(text.utf8)) == Fingerprint.of(text))
  }

  @Test(arguments: [
    (2.0, "2", "2"), (0.25, "0.25", "0.25"), (5e-5, "5e-05", "5e-5"), (1e-12, "1e-12", "1e-12"),
    (-0.0, "0", "0"), (1e300, "1e+300", "1e+300"), (.infinity, "inf", "inf"), (.nan, "nan", "nan"),
  ])
  func numbersAreSpelled(value: Double, file: String, prose: String) {
    #expect(Number.text(value) == file)
    #expect(Number.prose(value) == prose)
  }

  @Test(arguments: [
    (0.4, "0 s"), (42.4, "42 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7_322, "2 h 2 min"),
  ])
  func durationsAreSpelled(seconds: Double, text: String) {
    #expect(Duration.text(seconds: seconds) == text)
    #expect(abs(Duration.seconds(seconds).inSeconds - seconds) < 1e-9)
    #expect(abs(Duration.seconds(seconds).milliseconds - 1_000 * seconds) < 1e-6)
  }

  @Test(arguments: [
    ("", "''"), ("a-b_c./:,=+@%9", "a-b_c./:,=+@%9"), ("two words", "'two words'"),
    ("it's", "'it'\\''s'"), ("α", "'α'"), ("$HOME", "'$HOME'"), ("a\nb", "'a\nb'"),
  ])
  func wordsAreQuoted(text: String, quoted: String) throws {
    #expect(CommandTemplate.quoted(text) == quoted)
  }

  private struct Fields: Codable {
    var stop: OneOrMany<String>?
  }

  @Test func oneOrManyReadsBoth() throws {
    func read(_ text: String) throws -> [String]? {
      let fields = try JSONDecoder().decode(Fields.self, from: Data(text.utf8))
      return fields.stop?.elements
    }
    #expect(try read("{\"stop\":\"a\"}") == ["a"])
    #expect(try read("{\"stop\":[\"a\",\"b\"]}") == ["a", "b"])
    #expect(try read("{\"stop\":[]}") == [])
    #expect(try read("{\"stop\":null}") == nil)
    #expect(throws: DecodingError.self) { _ = try read("{\"stop\":7}") }
    #expect(throws: DecodingError.self) { _ = try read("{\"stop\":[\"a\",7]}") }
    for (elements, text) in [
      (["a"], "{\"stop\":\"a\"}"), (["a", "b"], "{\"stop\":[\"a\",\"b\"]}"), ([], "{\"stop\":[]}"),
    ] {
      let data = try JSONEncoder().encode(Fields(stop: OneOrMany(elements)))
      #expect(String(decoding: data, as: UTF8.self) == text)
    }
  }
}
