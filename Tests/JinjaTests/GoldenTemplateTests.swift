import Foundation
import Jinja
import Support
import TestSupport
import Testing

/// Published templates beside what transformers' `apply_chat_template` makes of them.
@Suite struct GoldenTemplateTests {
  static let folder = SharedMaterial.folder.appending(path: "golden/chat-templates")

  static let names: [String] = {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (files ?? []).filter { $0.hasSuffix(".jinja") }.map { String($0.dropLast(6)) }.sorted()
  }()

  static func json(_ name: String) throws -> JSONNode {
    try JSONNode(parsing: Array(try Data(contentsOf: folder.appending(path: name))))
  }

  /// Where the goldens' clock stood.
  static let noon = Date(timeIntervalSince1970: 1_721_995_200)
  static let utc = TimeZone(secondsFromGMT: 0) ?? .current

  @Test(
    "Each conversation is rendered as transformers renders it",
    .enabled(
      if: SharedMaterial.has("golden/chat-templates"), "needs shared/golden/chat-templates"),
    arguments: names)
  func rendersAsTransformers(_ name: String) throws {
    let source = try String(
      contentsOf: Self.folder.appending(path: "\(name).jinja"), encoding: .utf8)
    let golden = try Self.json("\(name).json")
    let conversations = try Self.json("conversations.json")
    let template = try Template(source)
    for rendered in try #require(golden["rendered"]?.members) {
      let isOpen = rendered.key.hasSuffix("+")
      let conversation = isOpen ? String(rendered.key.dropLast()) : rendered.key
      let variables = [
        "messages": Variable(try #require(conversations[conversation])),
        "tools": Variable(.null), "documents": Variable(.null),
        "add_generation_prompt": Variable(.boolean(isOpen)),
        "bos_token": Variable(try #require(golden["bos_token"]), .template),
        "eos_token": Variable(try #require(golden["eos_token"]), .template),
      ]
      do throws(TemplateError) {
        let text = try template.render(variables, now: Self.noon, timeZone: Self.utc).text
        #expect(text == rendered.value.text, "\(rendered.key)")
      } catch {
        #expect(error.kind == .raised)
        #expect(error.message == rendered.value["error"]?.text, "\(rendered.key): \(error)")
      }
    }
  }
}
