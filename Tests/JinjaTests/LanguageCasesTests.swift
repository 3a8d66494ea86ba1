import Foundation
import Jinja
import Support
import Testing

/// Small templates beside what Jinja, set up as transformers sets it up, makes of them.
///
/// `Cases/make-cases` wrote `Cases/cases.json`; it needs Python with transformers. Of what Jinja
/// refuses only that it does so is compared.
@Suite struct LanguageCasesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var template: String
    /// Nil where Jinja refuses.
    var rendered: String?

    var testDescription: String { template.debugDescription }
  }

  static let file: JSONNode? = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Cases/cases.json")
    guard let data = try? Data(contentsOf: url) else { return nil }
    return try? JSONNode(parsing: Array(data))
  }()

  static let cases: [Case] = (file?["cases"]?.elements ?? []).map {
    Case(template: $0["template"]?.text ?? "", rendered: $0["rendered"]?.text)
  }

  @Test func casesAreThere() { #expect(Self.cases.count > 300) }

  @Test(arguments: cases)
  func rendersAsJinja(_ example: Case) throws {
    let members = try #require(Self.file?["variables"]?.members)
    let variables = Dictionary(uniqueKeysWithValues: members.map { ($0.key, Variable($0.value)) })
    do throws(TemplateError) {
      let text = try Template(example.template).render(
        variables, now: GoldenTemplateTests.noon, timeZone: GoldenTemplateTests.utc
      ).text
      #expect(text == example.rendered)
    } catch {
      #expect(example.rendered == nil, "\(error)")
    }
  }
}
