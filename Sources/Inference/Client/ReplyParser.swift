import Foundation
import HTTP
import ModelAccess
import Support

/// A reply with what only probes look at.
struct ParsedReply: Sendable {
  var chat: ChatReply
  var origin: ReplyOrigin?
  /// Of each token of the reply, where they were asked for and the server gave all of them.
  var logprobs: [Double]?
}

/// What a response came to.
struct ParsedResponse: Sendable {
  /// Whether another attempt may do better.
  enum Retry: Sendable {
    case never, once, often
  }

  var result: Result<ParsedReply, ChatFailure>
  /// nil where the response is no completion.
  var origin: ReplyOrigin?
  var retry = Retry.never
  /// Fields of the request that the server does not take.
  var refusedFields: [String] = []
  /// The seconds after which the server wants to be asked again.
  var secondsAsked: Double?
  /// What the server says that it took, also of a reply that is none.
  var tokens = TokenReport.nothing
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
  /// What thoughts and answer may take each; nil where they share one limit.
  var budget: ReasoningBudget?
  /// How the request was written, whose fields a server may refuse.
  var form: RequestForm?

  func parse(_ response: TransportResponse) -> ParsedResponse {
    let body = ServerJSON.parse(response.body)
    let isCompletion = (200..<300).contains(response.status)
    var parsed = isCompletion ? completion(response, body) : refusal(response, body)
    if isCompletion, let body {
      parsed.origin = ReplyOrigin(
        fingerprint: body["system_fingerprint"]?.text, model: body["model"]?.text)
    }
    // An answer's own words may speak of trying again.
    if case .failure = parsed.result {
      parsed.secondsAsked = RateLimitHint.seconds(headers: response.headers.byName, body: body)
    }
    parsed.tokens = Self.tokens(status: response.status, body?["usage"])
    return parsed
  }

  /// What was taken, as far as the server says it. A status that is no answer without a word of usage is taken
  /// for free.
  private static func tokens(status: Int, _ usage: JSONNode?) -> TokenReport {
    func count(_ key: String) -> Int? {
      TokenCount.possible(usage?[key]?.integer)
    }
    let prompt = count("prompt_tokens")
    var completion = count("completion_tokens")
    // Some servers leave thoughts out of the one and have them in the sum.
    if let prompt, let all = count("total_tokens"), all - prompt > completion ?? 0 {
      completion = all - prompt
    }
    if prompt == nil, completion == nil, !(200..<300).contains(status) { return .nothing }
    return .answered(prompt: prompt, completion: completion)
  }

  private func failed(
    _ response: TransportResponse, _ code: ErrorCode, _ message: String, isFatal: Bool = false,
    retry: ParsedResponse.Retry = .never
  ) -> ParsedResponse {
    ParsedResponse(
      result: .failure(
        ChatFailure(
          code: code, message: "\(endpoint.name): \(message)", attempts: attempts,
          latencyMilliseconds: response.milliseconds, isFatal: isFatal)), retry: retry)
  }

  // MARK: - Statuses that are no answer

  private func refusal(_ response: TransportResponse, _ body: JSONNode?) -> ParsedResponse {
    let status = response.status
    if (300..<400).contains(status) {
      let place = response.headers["location"] ?? "nowhere"
      return failed(
        response, "redirect",
        "expected an answer, found a redirect to \(endpoint.excerpt(Data(place.utf8))); redirects "
          + "are not followed, pass the right --endpoint", isFatal: true)
    }
    let complaint = body.map(ServerComplaint.init)
    let shown = said(complaint, response)
    if let complaint {
      let isLimited = RateLimitHint.seconds(headers: response.headers.byName, body: body) != nil
      if let failure = named(complaint, status, .http(status), response, isLimited: isLimited) {
        return failure
      }
    }
    switch status {
    case 401, 403:
      return failed(response, .http(status), keyRefused(shown), isFatal: true)
    case 402:
      return failed(response, .http(402), unpaid(shown), isFatal: true)
    case 404:
      return failed(
        response, "http-404",
        "the server has no such path or model; check --endpoint and --model-name (\(shown))",
        isFatal: true)
    case 451:
      return failed(response, .filtered, filtered(shown))
    default:
      var failure = failed(
        response, .http(status), "found status \(status): \(shown)",
        retry: RetryPolicy.isTransient(status: status) ? .often : .never)
      if let complaint, [400, 422].contains(status) {
        failure.refusedFields = complaint.refusedFields(
          among: form.map(AdaptableForm.refusable) ?? [])
      }
      return failure
    }
  }

  /// A complaint that says more than its status; nil where it does not.
  ///
  /// - Parameter code: of failures that have none of their own.
  private func named(
    _ complaint: ServerComplaint, _ status: Int, _ code: ErrorCode, _ response: TransportResponse,
    isLimited: Bool
  ) -> ParsedResponse? {
    let shown = said(complaint, response)
    switch complaint.kind(status: status, isLimited: isLimited) {
    case .filtered: return failed(response, .filtered, filtered(shown))
    case .unpaid: return failed(response, code, unpaid(shown), isFatal: true)
    case .badKey: return failed(response, code, keyRefused(shown), isFatal: true)
    case .noModel:
      return failed(
        response, code, "the server has no such model; check --model-name (\(shown))", isFatal: true
      )
    case .other: return nil
    }
  }

  /// The server's sentence, or what its body begins with.
  private func said(_ complaint: ServerComplaint?, _ response: TransportResponse) -> String {
    endpoint.excerpt(complaint?.sentence.map { Data($0.utf8) } ?? response.body)
  }

  private func keyRefused(_ shown: String) -> String {
    "the server refused the key; set \(Endpoint.keyVariables.joined(separator: " or ")), or name "
      + "another header with --header (\(shown))"
  }

  private func unpaid(_ shown: String) -> String {
    "the account's quota or credit is used up, or a payment is due: \(shown)"
  }

  private func filtered(_ shown: String) -> String {
    "a content filter of the server's took the answer: that is neither the model's refusal nor its "
      + "answer; measure the model without the filter"
      + (shown.isEmpty ? "" : " (\(shown))")
  }

  // MARK: - Completions

  private func completion(_ response: TransportResponse, _ body: JSONNode?) -> ParsedResponse {
    var shown: String {
      response.body.isEmpty ? "an empty body" : endpoint.excerpt(response.body)
    }
    guard let reply = body, reply.members != nil || reply.elements != nil else {
      let type = response.headers["content-type"] ?? "application/json"
      if !type.lowercased().contains("json") {
        return failed(
          response, "wrong-content-type",
          "expected application/json, found \(endpoint.excerpt(Data(type.utf8))): \(shown)",
          retry: .often)
      }
      guard String(validating: response.body, as: UTF8.self) != nil else {
        return failed(
          response, "invalid-utf8", "expected UTF-8, found other bytes: \(shown)", retry: .often)
      }
      return failed(
        response, "malformed-reply", "expected a chat completion in JSON, found: \(shown)",
        retry: .often)
    }
    let choice = Self.choice(of: reply)
    if let failure = failedInside(reply, choice, response) { return failure }
    let finish = choice?["finish_reason"]?.text
    for reason in [finish, choice?["native_finish_reason"]?.text].compactMap(\.self)
    where ServerComplaint.isFilter(finishReason: reason) {
      // The model's own refusal, in the API's field for it, is no filter's work.
      if MessageText(choice?["message"] ?? .null).refusal != nil, !reason.contains("filter") {
        break
      }
      return failed(
        response, .filtered, filtered("finish reason \(endpoint.excerpt(Data(reason.utf8)))"))
    }
    guard let choice, let message = choice["message"], message.members != nil else {
      return failed(
        response, "no-choices", "expected choices[0].message, found: \(shown)", retry: .once)
    }
    let model = reply["model"]?.text
    if let expectedModel, model != expectedModel {
      return failed(
        response, "wrong-model",
        "expected an answer of \(expectedModel), found one of "
          + endpoint.excerpt(Data((model ?? "no model").utf8)), isFatal: true)
    }
    return answer(MessageText(message), choice, reply, response)
  }

  private static func choice(of reply: JSONNode) -> JSONNode? {
    guard let choices = reply["choices"]?.elements else { return nil }
    return choices.first { ($0["index"]?.integer ?? 0) == 0 }
      ?? (choices.count == 1 ? choices[0] : nil)
  }

  /// An error under a status of success.
  private func failedInside(
    _ reply: JSONNode, _ choice: JSONNode?, _ response: TransportResponse
  ) -> ParsedResponse? {
    let root = reply.elements?.first ?? reply
    var found: JSONNode?
    for place in [choice?["error"], choice == nil ? root["error"] : nil] {
      if let place, place != .null { found = place }
    }
    // Of other APIs behind a gateway, where there is no choice.
    if found == nil, choice == nil {
      let keys = [
        "promptFeedback", "prompt_feedback", "base_resp", "detail", "errors", "error_msg",
      ]
      found = keys.contains { root[$0] != nil && root[$0] != .null } ? root : nil
    }
    if let found {
      let complaint = ServerComplaint(found)
      let inner = complaint.innerStatus ?? 200
      if let failure = named(
        complaint, inner, "error-in-reply", response, isLimited: inner == 429)
      {
        return failure
      }
      let isLasting = (400..<500).contains(inner) && !RetryPolicy.isTransient(status: inner)
      return failed(
        response, "error-in-reply",
        "the server answered with an error: \(said(complaint, response))",
        retry: isLasting ? .never : .often)
    }
    let broken = ["error", "abort", "insufficient_system_resource", "network_error"]
    if let finish = choice?["finish_reason"]?.text, broken.contains(finish) {
      return failed(
        response, "error-in-reply", "the server broke the answer off: finish reason \(finish)",
        retry: .often)
    }
    return nil
  }

  private func answer(
    _ message: MessageText, _ choice: JSONNode, _ reply: JSONNode, _ response: TransportResponse
  ) -> ParsedResponse {
    let finish = choice["finish_reason"]?.text
    var thoughts = message.thoughts
    var text = message.content
    var isOpen = false
    if let content = message.content {
      let split = Thoughts(separating: content)
      if let found = split.reasoning, !found.isEmpty { thoughts.append(found) }
      (text, isOpen) = (split.answer, split.isOpen)
    }
    let reasoning = thoughts.isEmpty ? nil : thoughts.joined(separator: "\n\n")
    if isProbe { text = (reasoning ?? "") + (text ?? "") }
    if text?.isEmpty ?? true, let refusal = message.refusal { text = refusal }
    if !isProbe, text?.isEmpty ?? true {
      if reasoning != nil || isOpen || finish == "length" {
        return failed(response, .unanswered, unanswered(finish, isOpen, reasoning != nil))
      }
    }
    guard var text else {
      return failed(
        response, "no-content",
        "expected message.content to be a text, found \(choice["message"]?["content"]?.kind ?? "none")"
      )
    }
    let usage = reply["usage"]
    var finishReason = finish
    if let budget {
      let spent = ReasoningBudget.Spent(
        finish: finish, reasoning: reasoning, answer: text,
        completionTokens: TokenCount.possible(usage?["completion_tokens"]?.integer),
        reasoningTokens: TokenCount.possible(
          usage?["completion_tokens_details"]?["reasoning_tokens"]?.integer))
      switch budget.verdict(on: spent) {
      case .keeps: break
      case .answersTooLong(let cut): (text, finishReason) = (cut, "length")
      case .endsInThoughts(let why): return failed(response, .unanswered, why)
      }
    }
    let tokens = choice["logprobs"]?["content"]?.elements
    let logprobs = tokens?.compactMap { $0["logprob"]?.double }
    return ParsedResponse(
      result: .success(
        ParsedReply(
          chat: ChatReply(
            text: text, reasoning: reasoning, refusal: message.refusal, finishReason: finishReason,
            latencyMilliseconds: response.milliseconds, attempts: attempts,
            promptTokens: TokenCount.possible(usage?["prompt_tokens"]?.integer),
            completionTokens: TokenCount.possible(usage?["completion_tokens"]?.integer)),
          logprobs: logprobs?.count == tokens?.count ? logprobs : nil)))
  }

  private var advice: String {
    budget == nil
      ? "raise --max-tokens, or give thoughts a budget of their own with --max-reasoning-tokens"
      : "raise --max-reasoning-tokens"
  }

  private func unanswered(_ finish: String?, _ isOpen: Bool, _ hasThought: Bool) -> String {
    if finish == "length" || finish == nil {
      return
        (hasThought || isOpen
        ? "the model used its tokens for reasoning and gave no answer"
        : "the answer is empty and the token limit was reached") + "; " + advice
    }
    if isOpen {
      return
        "the model ended inside its reasoning and gave no answer (finish reason \(finish ?? ""))"
    }
    return
      "the server put the whole reply into the message's reasoning and none into its content; set the "
      + "server's reasoning parser to the one of this model, or turn it off"
  }
}
