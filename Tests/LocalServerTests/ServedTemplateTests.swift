import Foundation
import Testing

@testable import LocalServer

/// Requests to a model whose template takes arguments and refuses conversations.
@Suite(.serialized) struct ServedTemplateTests {
  private static let template = """
    {% if messages[0].role == 'assistant' %}
    {{- raise_exception('The user speaks first.') -}}
    {% endif %}
    {% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}
    {% if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' + ('' if enable_thinking | default(true) else '<think></think>') -}}
    {% endif %}
    """

  private static func body(_ messages: [(String, String)], _ extra: String = "") -> String {
    let list = messages.map { "{\"role\":\"\($0.0)\",\"content\":\"\($0.1)\"}" }
    return
      "{\"messages\":[\(list.joined(separator: ","))],\"temperature\":0,\"max_tokens\":4\(extra)}"
  }

  @Test func argumentsOfARequestReachTheTemplate() async throws {
    let running = try await LocalServerTests.Running(template: Self.template)
    let question = [("user", "hi")]
    let off = ",\"chat_template_kwargs\":{\"enable_thinking\":false,\"unread\":[1]}"
    func prompt(_ extra: String) async throws -> String? {
      try await running.send("apply-template", Self.body(question, extra)).1["prompt"] as? String
    }
    let plain = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    #expect(try await prompt("") == plain)
    #expect(try await prompt(off) == plain + "<think></think>")
    #expect(try await prompt(",\"chat_template_kwargs\":{}") == plain)
    // A completion is asked with the same prompt.
    func tokens(_ extra: String) async throws -> Int? {
      let reply = try await running.send("v1/chat/completions", Self.body(question, extra)).1
      return (reply["usage"] as? [String: Any])?["prompt_tokens"] as? Int
    }
    let added = try #require(try await tokens(off)) - (try #require(try await tokens("")))
    #expect(added == "<think></think>".utf8.count)
    await running.stop()
  }

  @Test(arguments: ["v1/chat/completions", "apply-template"])
  func aRefusalIsTheClientsToMend(path: String) async throws {
    let running = try await LocalServerTests.Running(template: Self.template)
    let (status, object, _) = try await running.send(path, Self.body([("assistant", "hi")]))
    #expect(status == 400)
    let error = try #require(object["error"] as? [String: Any])
    let message = try #require(error["message"] as? String)
    #expect(message.contains("The user speaks first."), "\(message)")
    #expect(message.contains("line 2"), "\(message)")
    #expect(!message.contains("template.jinja"), "\(message)")
    if path != "apply-template" { #expect(error["param"] as? String == "messages") }
    await running.stop()
  }

  @Test func anOpenTurnGoesOn() async throws {
    let running = try await LocalServerTests.Running(template: Self.template)
    let prompt =
      try await running.send(
        "apply-template",
        Self.body([("user", "hi"), ("assistant", "Sure, ")], ",\"continue_final_message\":true")
      ).1["prompt"] as? String
    #expect(
      prompt == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nSure, ")
    await running.stop()
  }
}
