import Jinja
import Support
import Testing

/// Whose each piece of a rendered text is.
@Suite struct OriginTests {
  static let variables: [String: Variable] = [
    "data": Variable(.string(" <Data>, more ")), "other": Variable(.string("x")),
    "items": Variable(.array([.string("a"), .string("b")])),
    "object": Variable(.object(of: [("key", .string("value"))])),
    "eos_token": Variable(.string("</s>"), .template),
    "messages": Variable(
      .array([.object(of: [("role", .string("user")), ("content", .string("Hi"))])]),
      ownKeys: ["role"]),
  ]

  /// Pieces as text: the data between ⟦ and ⟧, what is generated between « and ».
  static func marked(_ template: String) throws(TemplateError) -> String {
    try Template(template).render(variables).pieces.map { piece in
      let text = piece.origin == .data ? "⟦\(piece.text)⟧" : piece.text
      return piece.isGenerated ? "«\(text)»" : text
    }.joined()
  }

  @Test(arguments: [
    ("a{{ other }}b", "a⟦x⟧b"),
    ("{{ eos_token }}{{ other }}", "</s>⟦x⟧"),
    ("{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}", "<|user|>⟦Hi⟧"),
    ("{{ data | trim }}", "⟦<Data>, more⟧"),
    ("{{ data.strip() + eos_token }}", "⟦<Data>, more⟧</s>"),
    ("{{ '[' ~ data[1:7] ~ ']' }}", "[⟦<Data>⟧]"),
    ("{{ data.split(',')[0] }}|", "⟦ <Data>⟧|"),
    ("{{ data | upper }}{{ data | title | trim }}", "⟦ <DATA>, MORE <Data>, More⟧"),
    ("{{ data | replace('<', '[') }}", "⟦ ⟧[⟦Data>, more ⟧"),
    ("{{ items | join('-') }}", "⟦a⟧-⟦b⟧"),
    ("{{ '-'.join(items) }}", "⟦a⟧-⟦b⟧"),
    ("{{ 'Hi {}!'.format(other) }}{{ 'Hi %s!' % other }}", "Hi ⟦x⟧!Hi ⟦x⟧!"),
    ("{{ '%s' | format(other) | indent }}", "⟦x⟧"),
    ("{{ object | tojson }}", "⟦{\"key\": \"value\"}⟧"),
    ("{{ object }}", "⟦{'key': 'value'}⟧"),
    ("{{ {'own': other} | tojson }}", "{\"own\": ⟦\"x\"⟧}"),
    ("{{ items | map('upper') | list }}", "[⟦'A'⟧, ⟦'B'⟧]"),
    ("{{ items[::-1] }}{{ items | length }}", "⟦['b', 'a']⟧2"),
    ("{% set s %}<{{ other }}>{% endset %}{{ s | reverse }}", ">⟦x⟧<"),
    ("{% macro m(t) %}[{{ t }}]{% endmacro %}{{ m(other) | trim }}", "[⟦x⟧]"),
    ("{% for c in data.strip() %}{% if loop.first %}{{ c }}{% endif %}{% endfor %}.", "⟦<⟧."),
    ("{{ other ~ other }}{{ other * 2 }}", "⟦xxxx⟧"),
    ("{{ '.' | center(3) }}{{ other.center(3, '.') }}", " . .⟦x⟧."),
    ("{% generation %}ok {{ other }}{% endgeneration %}!", "«ok »«⟦x⟧»!"),
    (
      "{% set s %}{% generation %}{{ other }}{% endgeneration %}{{ eos_token }}{% endset %}{{ s }}",
      "«⟦x⟧»</s>"
    ),
  ])
  func marks(_ template: String, _ expected: String) throws {
    #expect(try Self.marked(template) == expected)
  }

  /// Of a list whose elements are told apart each text says which one it is of.
  @Test func elementsAreToldApart() throws {
    let messages = Variable(
      .array(
        ["a ", "b", " c"].map { .object(of: [("role", .string("x")), ("content", .string($0))]) }
      ), ownKeys: ["role"], tellsElementsApart: true)
    let rendering = try Template(
      "{% for m in messages | reverse %}{{ m.role + m.content | trim | upper }}{% endfor %}"
        + "{{ messages | map(attribute='content') | join('-') }}"
    ).render(["messages": messages])
    #expect(
      rendering.pieces == [
        Rendering.Piece("x", .template), Rendering.Piece("C", .element(2)),
        Rendering.Piece("x", .template), Rendering.Piece("B", .element(1)),
        Rendering.Piece("x", .template), Rendering.Piece("Aa ", .element(0)),
        Rendering.Piece("-", .template),
        Rendering.Piece("b", .element(1)), Rendering.Piece("-", .template),
        Rendering.Piece(" c", .element(2)),
      ])
  }

  @Test func aTemplateTellsWhatItReads() throws {
    let template = try Template(
      "{% macro m(a) %}{{ a + inner }}{% endmacro %}{% if x.y is defined %}{% set z = 1 %}{% endif %}"
    )
    #expect(template.namesRead.isSuperset(of: ["a", "inner", "x"]))
    #expect(template.namesRead.isDisjoint(with: ["y", "z", "m", "defined"]))
    #expect(!template.hasGeneration)
    #expect(try Template("{% if a %}{% generation %}{% endgeneration %}{% endif %}").hasGeneration)
  }

  @Test func piecesAreNeitherEmptyNorDivided() throws {
    let rendering = try Template("a{{ '' }}b{{ other }}{{ other[1:] }}{{ other }}")
      .render(Self.variables)
    #expect(
      rendering.pieces == [
        Rendering.Piece("ab", .template), Rendering.Piece("xx", .data),
      ])
    #expect(rendering.text == "abxx")
  }
}
