import Foundation
import Jinja
import Support
import Testing

/// What is said of templates that cannot be read or rendered.
@Suite struct TemplateErrorTests {
  static func error(_ template: String, limits: Limits = Limits()) -> TemplateError? {
    do throws(TemplateError) {
      _ = try Template(template).render(
        ["d": Variable(.object(of: [("a", .number("1"))]))], limits: limits)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("{{ 1 +", "line 1, column 1: the tag is not closed: expected '}}'"),
    (
      "a\n  {% if x %}b",
      "line 2, column 14: expected '{% elif %}' or '{% else %}' or '{% endif %}', found the end of the template"
    ),
    ("{% for x y %}{% endfor %}", "line 1, column 10: expected 'in', found 'y'"),
    ("{{ (1] }}", "line 1, column 6: unexpected ']': expected ')'"),
    ("{{ x | nothing }}", "line 1, column 8: there is no filter named 'nothing'"),
    ("{{ x is nothing }}", "line 1, column 6: there is no test named 'nothing'"),
    (
      "{% include 'x' %}",
      "line 1, column 4: 'include' needs other templates, and a chat template stands alone"
    ),
    ("{% nothing %}", "line 1, column 4: there is no tag named 'nothing'"),
    ("{% break %}", "line 1, column 4: 'break' stands outside of a loop"),
    ("{{ 'a }}", "line 1, column 4: the string is not closed: expected '"),
    ("{# a", "line 1, column 1: the comment is not closed: expected '#}'"),
    ("{{ ; }}", "line 1, column 4: expected an expression, found ';'"),
    ("{{ a ? }}", "line 1, column 6: '?' has no meaning in a tag"),
    ("\n{{ x.y }}", "line 2, column 5: 'x' is undefined"),
    ("{{ d.b.c }}", "line 1, column 7: a dictionary has no attribute 'b'"),
    ("{{ 1 + 'a' }}", "line 1, column 6: '+' does not take an integer and a string"),
    ("{{ 1 // 0 }}", "line 1, column 6: division by zero"),
    (
      "{{ [].append(1) }}",
      "line 1, column 13: 'append' would change a list, which a chat template may not"
    ),
    (
      "{% set d.a = 2 %}",
      "line 1, column 4: 'd.a' cannot be set: only a namespace takes attributes, found a dictionary"
    ),
    ("{{ 'a'.center() }}", "line 1, column 14: 'center' needs the argument 'width'"),
    ("{{ raise_exception('No!') }}", "the template refuses at line 1, column 19: No!"),
  ])
  func says(_ template: String, _ message: String) {
    #expect(Self.error(template)?.description == message)
  }

  @Test func ownWordsStandAlone() {
    let error = Self.error(
      "{% if true %}{{ raise_exception('Roles must ' ~ 'alternate') }}{% endif %}")
    #expect(error?.kind == .raised)
    #expect(error?.message == "Roles must alternate")
  }

  /// Branches that are not taken may speak of what nobody knows.
  @Test func unknownNamesInBranchesAreForgiven() {
    #expect(Self.error("{% if false %}{{ 1 | nothing }}{% endif %}") == nil)
    #expect(Self.error("{{ 1 if true else 2 | nothing }}") == nil)
    #expect(Self.error("{% if true %}{{ 1 | nothing }}{% endif %}")?.kind == .operation)
    #expect(Self.error("{% macro m() %}{{ 1 | nothing }}{% endmacro %}")?.kind == .syntax)
  }
}

/// Templates that would take all there is.
@Suite struct HostileTemplateTests {
  static func nested(_ opening: String, _ inner: String, _ closing: String, _ times: Int) -> String
  {
    String(repeating: opening, count: times) + inner + String(repeating: closing, count: times)
  }

  @Test(arguments: [
    "{{ " + nested("(", "1", ")", 100_000) + " }}",
    "{{ " + nested("[", "", "]", 100_000) + " }}",
    "{{ " + nested("{1:", "1", "}", 100_000) + " }}",
    "{{ " + nested("x[", "1", "]", 100_000) + " }}",
    "{{ " + nested("-", "1", "", 100_000) + " }}",
    "{{ " + nested("not ", "1", "", 100_000) + " }}",
    "{{ " + nested("1 if 1 else ", "1", "", 100_000) + " }}",
    "{{ 1" + nested(" + 1", "", "", 100_000) + " }}",
    "{{ 1" + nested(" | abs", "", "", 100_000) + " }}",
    "{{ x" + nested(".x", "", "", 100_000) + " }}",
    "{{ 1" + nested(" is odd", "", "", 100_000) + " }}",
    "{{ 1" + nested(" or 1", "", "", 100_000) + " }}",
    nested("{% if 1 %}", "", "{% endif %}", 20_000),
    nested("{% for x in [1] %}", "", "{% endfor %}", 20_000),
    "{% set " + nested("(", "x", ")", 100_000) + " = 1 %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ range(100000000) }}",
    "{{ range(-9223372036854775807, 9223372036854775807) }}",
    "{{ 'a' * 1000000000000 }}",
    "{{ [0] * 1000000000000 }}",
    "{{ 'a'.center(1000000000000) }}",
    "{{ 'a' | indent(1000000000000) }}",
    "{{ '%1000000000000d' % 1 }}",
    "{{ '{:1000000000000}'.format(1) }}",
    "{{ '{:.1000000000000f}'.format(1.0) }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 10 ** 10000 }}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(100) %}{% set ns.x = ns.x * 99999999999 * ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
    "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    "{% set ns = namespace(x=['a']) %}{% for i in range(1000) %}{% set ns.x = ns.x | map('upper') %}{% endfor %}{{ ns.x | list }}",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% for a in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
    "{% for a in range(100000) %}{% set x = 'a' * 100000 %}{% endfor %}",
    "{{ ('a' * 1000000) | replace('', 'bbbbbbbbbbbbbbbb') }}",
    "{{ ('a' * 1000000) | map('upper') | list | length }}{{ range(100000) | batch(1) | list | map('tojson') | join }}{% for x in range(100000) %}{{ range(100000) | list | length }}{% endfor %}",
  ])
  func isRefused(_ template: String) {
    // Fewer steps than usual: what is slow is to stop, wherever the bound is.
    var limits = Limits()
    limits.steps = 100_000
    #expect(throws: TemplateError.self) { try Template(template).render([:], limits: limits) }
  }

  @Test func whatHoldsItselfIsFreed() throws {
    let text = try Template(
      "{% set ns = namespace() %}{% set ns.me = ns %}{% macro m() %}x{% endmacro %}"
        + "{% set ns.m = m %}{% set ns.top = namespace() %}{% set ns.last = ns.top %}"
        + "{% for i in range(2000) %}{% set l = ns.last %}{% set l.next = namespace() %}"
        + "{% set ns.last = l.next %}{% endfor %}{{ ns.m() }}"
    ).render([:]).text
    #expect(text == "x")
  }

  /// A search through a text takes no more than the text's length, whatever is searched.
  @Test func searchesAreQuick() throws {
    let text = try Template(
      "{% set t = 'a' * 100000 %}{{ t.find('a' * 30000 ~ 'b') }} {{ t.rfind('b' ~ 'a' * 30000) }}"
        + " {{ t.count('a' * 30000) }} {{ (t ~ 'b' ~ t).find('a' * 30000 ~ 'b') }}"
    ).render([:]).text
    #expect(text == "-1 -1 3 70000")
  }

  @Test func boundsAreTheCallers() {
    var limits = Limits()
    limits.steps = 10
    #expect(throws: TemplateError.self) {
      try Template("{% for x in range(9) %}{{ x }}{% endfor %}").render([:], limits: limits)
    }
    limits = Limits()
    limits.size = 10
    #expect(throws: TemplateError.self) { try Template("12345678901").render([:], limits: limits) }
  }
}
