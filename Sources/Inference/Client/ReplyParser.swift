import Foundation
import ModelAccess

/// A reply with what only probes look at.
struct ParsedReply: Sendable {
  var chat: ChatReply
  /// Of each token of the reply, where they were asked for and the server gave them.
  var logprobs: [Double]?
}

/// Reads a chat completion: strictly where a mistake could pass for an answer, with understanding
/// for what servers do differently.
struct ReplyParser {
  let endpoint: Endpoint
  let attempts: Int
  /// What the reply must name as its model; nil where servers of the kind name what they like.
  var expectedModel: String?
  /// Whether thoughts are as good as an answer.
  var isProbe = false

  private struct Reply: Decodable {
    struct Choice: Decodable {
      var index: Int?
      var message: Message?
      var finishReason: String?
      var logprobs: Logprobs?

      enum CodingKeys: String, CodingKey {
        case index, message, logprobs
        case finishReason = "finish_reason"
      }
    }
    struct Message: Decodable {
      var content: String?
      /// llama-server's, vLLM's and SGLang's name for it; `reasoning` is a gateway's.
      var reasoningContent: String?
      var reasoning: String?
      var refusal: String?

      enum CodingKeys: String, CodingKey {
        case content, reasoning, refusal
        case reasoningContent = "reasoning_content"
      }
    }
    struct Logprobs: Decodable {
      struct Token: Decodable { var logprob: Double }
      var content: [Token]?
    }
    struct Usage: Decodable {
      var promptTokens: Int?
      var completionTokens: Int?

      enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
      }
    }
    struct Failure: Decodable {
      var message: String?
    }
    var model: String?
    var choices: [Choice]?
    var usage: Usage?
    var error: Failure?
  }

  func parse(
    _ response: TransportResponse
  ) -> (result: Result<ParsedReply, ChatFailure>, isTransient: Bool) {
    func failure(
      _ code: ErrorCode, _ message: String, isFatal: Bool = false
    ) -> Result<ParsedReply, ChatFailure> {
      .failure(
        ChatFailure(
          code: code, message: "\(endpoint.name): \(message)", attempts: attempts,
          latencyMilliseconds: response.milliseconds, isFatal: isFatal))
    }
    var shown: String { endpoint.excerpt(response.body) }
    switch response.status {
    case 200..<300:
      break
    case 300..<400:
      let place = response.headers["location"] ?? "nowhere"
      return (
        failure(
          "redirect",
          "expected an answer, found a redirect to \(endpoint.excerpt(Data(place.utf8))); redirects "
            + "are not followed, pass the right --endpoint", isFatal: true), false
      )
    case 401, 403:
      return (
        failure(
          .http(response.status),
          "the server refused the key; set \(Endpoint.keyVariables.joined(separator: " or ")) "
            + "(\(shown))", isFatal: true), false
      )
    case 404:
      return (
        failure(
          "http-404",
          "the server has no such path or model; check --endpoint and --model-name "
            + "(\(shown))", isFatal: true), false
      )
    default:
      return (
        failure(.http(response.status), "found status \(response.status): \(shown)"),
        RetryPolicy.isTransient(status: response.status)
      )
    }
    if let type = response.headers["content-type"], !type.lowercased().contains("json") {
      return (
        failure(
          "wrong-content-type",
          "expected application/json, found \(endpoint.excerpt(Data(type.utf8))): \(shown)"), true
      )
    }
    guard String(validating: response.body, as: UTF8.self) != nil else {
      return (failure("invalid-utf8", "expected UTF-8, found other bytes: \(shown)"), true)
    }
    guard let reply = try? JSONDecoder().decode(Reply.self, from: response.body) else {
      return (
        failure("malformed-reply", "expected a chat completion in JSON, found: \(shown)"), true
      )
    }
    if let error = reply.error, reply.choices?.isEmpty ?? true {
      let text = endpoint.excerpt(Data((error.message ?? "no message").utf8))
      return (failure("error-in-reply", "the server answered with an error: \(text)"), true)
    }
    guard let choice = reply.choices?.first(where: { $0.index ?? 0 == 0 }),
      let message = choice.message
    else {
      return (failure("no-choices", "expected choices[0].message, found: \(shown)"), true)
    }
    if let expectedModel, reply.model != expectedModel {
      return (
        failure(
          "wrong-model",
          "expected an answer of \(expectedModel), found one of "
            + endpoint.excerpt(Data((reply.model ?? "no model").utf8)), isFatal: true), false
      )
    }
    // A model that refuses through the API's own field has refused.
    var text = message.content ?? message.refusal
    var reasoning = message.reasoningContent ?? message.reasoning
    if reasoning?.isEmpty ?? true, let content = text, let split = Self.thoughts(in: content) {
      (reasoning, text) = split
    }
    if isProbe { text = (reasoning ?? "") + (text ?? "") }
    if !isProbe, text?.isEmpty ?? true, choice.finishReason == "content_filter" {
      return (
        failure(
          .filtered,
          "the server's content filter took the answer: that is neither the model's refusal nor its "
            + "answer; measure the model without the filter"), false
      )
    }
    let hasReasoned = reasoning?.isEmpty == false
    if !isProbe, text?.isEmpty ?? true, hasReasoned || choice.finishReason == "length" {
      return (
        failure(
          .unanswered,
          (hasReasoned
            ? "the model used its tokens for reasoning and gave no answer"
            : "the answer is empty and the token limit was reached") + "; raise --max-tokens"),
        false
      )
    }
    guard let text else {
      return (failure("no-content", "expected message.content to be a text, found null"), false)
    }
    return (
      .success(
        ParsedReply(
          chat: ChatReply(
            text: text, reasoning: reasoning, finishReason: choice.finishReason,
            latencyMilliseconds: response.milliseconds, attempts: attempts,
            promptTokens: reply.usage?.promptTokens,
            completionTokens: reply.usage?.completionTokens),
          logprobs: choice.logprobs?.content?.map(\.logprob))), false
    )
  }
  /// Thoughts that a server without a parser for them leaves in the content, and the answer after
  /// them; nil where there are none.
  ///
  /// Only where the reply opens with them: a closing tag anywhere would hide from the judge what stands
  /// before it. Thoughts that were cut off have no answer.
  private static func thoughts(in content: String) -> (reasoning: String, answer: String)? {
    guard content.utf8.contains(UInt8(ascii: "<")) else { return nil }
    let text = content.trimmingCharacters(in: .whitespacesAndNewlines)
    guard text.hasPrefix("<think>") else { return nil }
    let end = text.firstRange(of: "</think>")
    func trimmed(_ text: Substring) -> String {
      text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let thoughts = text[..<(end?.lowerBound ?? text.endIndex)].dropFirst("<think>".count)
    return (trimmed(thoughts), end.map { trimmed(text[$0.upperBound...]) } ?? "")
  }
}
