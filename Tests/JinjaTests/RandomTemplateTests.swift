import Foundation
import Jinja
import Support
import TestSupport
import Testing

/// Templates put together at random while the test runs, beside what Jinja makes of them, set up as
/// transformers sets it up. Of what Jinja refuses only that it does so is compared.
@Suite struct RandomTemplateTests {
  static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Peers/random_templates.py")

  @Test(
    .tags(.peer),
    .enabled(
      if: PeerPython.executable(with: "transformers") != nil,
      "needs Python with the package transformers: pip install transformers, or set LOXEVAL_PYTHON"),
    arguments: [1, 2])
  func rendersAsJinja(seed: Int) throws {
    let folder = try TemporaryFolder()
    let place = folder.url.appending(path: "templates.json")
    try PeerPython.run(Self.script, with: "transformers", ["150", "\(seed)", place.path])
    let file = try JSONNode(parsing: Array(Data(contentsOf: place)))
    let members = try #require(file["variables"]?.members)
    let variables = Dictionary(uniqueKeysWithValues: members.map { ($0.key, Variable($0.value)) })
    let cases = try #require(file["cases"]?.elements)
    #expect(cases.count == 150)
    for example in cases {
      let template = example["template"]?.text ?? ""
      let expected = example["rendered"]?.text
      do throws(TemplateError) {
        let text = try Template(template).render(
          variables, now: GoldenTemplateTests.noon, timeZone: GoldenTemplateTests.utc
        ).text
        #expect(text == expected, "\(template.debugDescription)")
      } catch {
        #expect(expected == nil, "\(template.debugDescription): \(error)")
      }
    }
  }
}
