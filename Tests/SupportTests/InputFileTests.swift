import Foundation
import Support
import TestSupport
import Testing

@Suite struct InputFileTests {
  /// What is no regular file is refused at once: a pipe without a writer would wait for ever.
  @Test(.timeLimit(.minutes(1)), arguments: ["a pipe", "a folder", "a device", "a socket"])
  func otherThingsThanFilesAreRefused(kind: String) throws {
    let folder = try TemporaryFolder()
    var place = folder.url.appending(path: "x")
    switch kind {
    case "a pipe": try OddFile.makePipe(at: place)
    case "a folder": place = folder.url
    case "a device": place = URL(filePath: "/dev/zero")
    default: try OddFile.makeSocket(at: place)
    }
    let fault = #expect(throws: InputFile.Fault.self) { _ = try InputFile(place, .settings) }
    #expect(fault?.kind == .notRegular(found: kind))
    #expect(fault?.reason.hasPrefix("expected a file, found \(kind)") == true)
    #expect(throws: InputFile.Fault.self) { _ = try InputFile.digest(of: place) }
  }

  @Test func aFileBeyondTheLimitIsRefusedUnread() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "huge.json")
    try OddFile.resize(file, to: 3 << 30)
    for limit in [InputFile.Limit.settings, .vocabulary, .records] {
      let fault = #expect(throws: InputFile.Fault.self) { _ = try InputFile(file, limit) }
      #expect(fault?.kind == .tooLarge)
      #expect(fault?.reason.contains("3221225472 bytes") == true)
      #expect(fault?.reason.contains("\(limit.rawValue)") == true)
    }
  }

  @Test func aMissingFileIsToldFromOthers() throws {
    let folder = try TemporaryFolder()
    let missing = folder.url.appending(path: "none")
    #expect(try InputFile.ifPresent(missing, .settings) == nil)
    let fault = #expect(throws: InputFile.Fault.self) { _ = try InputFile(missing, .settings) }
    #expect(fault?.isMissing == true)
    #expect(throws: InputFile.Fault.self) { _ = try InputFile.ifPresent(folder.url, .settings) }
  }

  @Test func filesWithoutASizeAreReadToTheirEnd() throws {
    let text = try InputFile(URL(filePath: "/proc/self/limits"), .settings).text()
    #expect(text.contains("Max open files"))
  }

  @Test(arguments: [
    ("a\nb\n", [1, 2]), ("a\r\nb\r\n", [1, 2]), ("a\rb\r", [1, 2]), ("a\n\n b", [1, 3]),
    ("\r\n\r\na\r\n\r\nb", [3, 5]), ("\u{FEFF}a\n\u{FEFF}b", [1, 2]), ("a\r\r\n\nb", [1, 4]),
    (" \t\n", []), ("", []), ("a", [1]), ("\u{FEFF}", []),
  ])
  func linesAreNumberedAsEditorsNumberThem(text: String, numbers: [Int]) throws {
    let folder = try TemporaryFolder()
    let lines = try InputFile(folder.write(text, "x"), .records).lines
    #expect(lines.map(\.number) == numbers)
    let texts = lines.map { String(decoding: $0.bytes, as: UTF8.self) }
    #expect(texts.allSatisfy { ["a", "b", " b"].contains($0) }, "\(texts)")
  }

  @Test(
    arguments: [
      ([0xFF, 0xFE, 0x61, 0], "UTF-16"), ([0xFE, 0xFF, 0, 0x61], "UTF-16"),
      ([0x61, 0xFF], "not UTF-8"),
    ] as [([UInt8], String)])
  func otherEncodingsAreNamed(bytes: [UInt8], naming: String) throws {
    let folder = try TemporaryFolder()
    let file = try InputFile(folder.write(Data(bytes), "x"), .settings)
    let fault = #expect(throws: InputFile.Fault.self) { _ = try file.text() }
    #expect(fault?.reason.contains(naming) == true)
  }

  @Test func aByteOrderMarkBelongsToTheFileButNotToTheText() throws {
    let folder = try TemporaryFolder()
    let file = try InputFile(folder.write("\u{FEFF}{}", "x"), .settings)
    #expect(try file.text() == "{}")
    #expect(file.data.count == 5)
    #expect(
      try InputFile.digest(of: folder.url.appending(path: "x")) == Digest.sha256(file.data))
  }
}

@Suite struct RecordFileTests {
  private static func records(_ text: String) throws -> [String] {
    let folder = try TemporaryFolder()
    let file = try InputFile(folder.write(text, "x"), .records)
    return try RecordFile.records(of: file) { $0["p"] != nil }
      .map { "\($0.place) \($0.value.serialized)" }
  }

  @Test(arguments: [
    ("{\"p\":1}", ["line 1 {\"p\":1}"]),
    ("\n{\"p\":1}\r\n\r\n{\"p\":2}", ["line 2 {\"p\":1}", "line 4 {\"p\":2}"]),
    ("[{\"p\":1},\n{\"p\":2}]", ["entry 1 {\"p\":1}", "entry 2 {\"p\":2}"]),
    ("[1]\n[2]", ["line 1 [1]", "line 2 [2]"]),
    ("{\"list\":[1,2],\"version\":1}", ["entry 1 1", "entry 2 2"]),
    ("{\n\"list\": [\n1\n]}", ["entry 1 1"]),
    ("{\n\"p\": [1]}", ["entry 1 {\"p\":[1]}"]),
    ("{\"a\":[1],\"b\":[2]}", ["line 1 {\"a\":[1],\"b\":[2]}"]),
    ("[{\"role\":1},{\"role\":2}]", ["line 1 [{\"role\":1},{\"role\":2}]"]),
    ("", []), ("[]", []),
  ])
  func recordsAreFoundWithTheirPlaces(text: String, records: [String]) throws {
    #expect(try Self.records(text) == records)
  }

  @Test(arguments: [
    ("{\"p\":1}\n\n{bad}\n", "line 3 is not JSON at byte 1"), ("{bad}\n{\"p\":1}", "line 1"),
    ("[1,\n2", "not JSON at byte 5"), ("{\"p\":1", "not JSON at byte 6"),
  ])
  func whatIsNotJSONIsNamed(text: String, naming: String) throws {
    let fault = #expect(throws: RecordFile.Fault.self) { _ = try Self.records(text) }
    #expect(fault?.description.contains(naming) == true, "\(String(describing: fault))")
  }
}

@Suite struct PathListTests {
  @Test(arguments: [
    ("none, import:a", ["none", "import:a"]), ("import:it,x", ["import:it,x"]),
    ("import:it,x,none", ["import:it,x", "none"]), ("x,import:it,x", ["x", "import:it,x"]),
    ("import:\"a,b\",c", ["import:a,b", "c"]), ("it,x", ["it", "x"]), ("a\"b,c", ["a\"b", "c"]),
    ("", [""]), ("a,,b", ["a", "", "b"]),
  ])
  func aPathThatIsThereWinsOverCommas(text: String, items: [String]) throws {
    let folder = try TemporaryFolder()
    try folder.write("", "it,x/file")
    let place = "import:\(folder.url.path)/"
    let found = PathList.items(
      of: text.replacing("import:it", with: "\(place)it"), prefixes: ["import:"])
    #expect(found.map { $0.replacing(place, with: "import:") } == items)
  }

  @Test(
    arguments: [
      ("a", "a", nil), ("a:2", "a:2", nil), ("a:2:0.5", "a:2", 0.5), ("b:2", "b", 2),
      ("b:x", "b:x", nil), ("a:-1", "a", -1), ("a:2.0", "a", 2), ("a:nan", nil, nil),
      ("a:x", nil, nil), ("b:1e999", nil, nil),
    ] as [(String, String?, Double?)])
  func aPathThatIsThereWinsOverAScale(text: String, path: String?, scale: Double?) throws {
    let folder = try TemporaryFolder()
    for name in ["a", "a:2"] { try folder.write("", "\(name)/file") }
    let found = PathList.scaled("\(folder.url.path)/\(text)")
    #expect(found?.path == path.map { "\(folder.url.path)/\($0)" })
    #expect(found?.scale == scale)
  }
}
