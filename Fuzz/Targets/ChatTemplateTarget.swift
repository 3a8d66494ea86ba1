import Jinja
import Support

/// A template renders or is refused, in bounded time and space, and no data passes for the template's.
struct ChatTemplateTarget: FuzzTarget {
  static let name = "chat-template"

  private static let messages = JSONNode.array([
    .object(of: [("role", .string("user")), ("content", .string(" Hi ⟦you⟧ \n"))]),
    .object(of: [
      ("role", .string("assistant")), ("content", .string("ÀßΣ 👩‍🔬")), ("n", .number("2.5")),
    ]),
  ])

  func run(_ bytes: [UInt8]) {
    var limits = Limits()
    limits.steps = 200_000
    limits.size = 1_000_000
    do throws(TemplateError) {
      let rendering = try Template(String(decoding: bytes, as: UTF8.self)).render(
        [
          "messages": Variable(Self.messages, tellsElementsApart: true), "tools": Variable(.null),
          "add_generation_prompt": Variable(.boolean(true)),
          "eos_token": Variable(.string("</s>"), .template),
        ], limits: limits)
      check(!rendering.pieces.contains { $0.text.isEmpty }, "no piece is empty")
      for (left, right) in zip(rendering.pieces, rendering.pieces.dropFirst()) {
        check(
          left.origin != right.origin || left.isGenerated != right.isGenerated,
          "pieces are as long as they can be")
      }
    } catch {
      _ = error.description
    }
  }
}
