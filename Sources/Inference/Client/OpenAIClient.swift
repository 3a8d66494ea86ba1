import Foundation
package import HTTP
package import ModelAccess
package import Support

/// Asks any OpenAI-compatible server, the embedded one included, or several that serve the same.
package struct OpenAIClient: ChatCompleting {
  package let pool: EndpointPool
  package let model: String?
  package let dialect: any ServerDialect
  package let transport: Transport
  package let retries: RetryPolicy
  package let form: AdaptableForm
  /// Counts what requests take, where that is paid for.
  package let meter: (any TokenMeter)?
  /// Answers for what the servers say.
  var voucher: (any ReplyVoucher)?

  /// - Parameters:
  ///   - model: the name that requests carry where the dialect gives no other.
  ///   - form: how requests are written; shared by clients that ask the same servers.
  package init(
    pool: EndpointPool, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy(),
    form: AdaptableForm = AdaptableForm(), meter: (any TokenMeter)? = nil
  ) {
    self.pool = pool
    self.model = model
    self.dialect = dialect
    self.transport = transport
    self.retries = retries
    self.form = form
    self.meter = meter
  }

  package init(
    endpoint: Endpoint, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy(),
    form: AdaptableForm = AdaptableForm(), meter: (any TokenMeter)? = nil,
    time: any TimeSource = SystemTime()
  ) {
    self.init(
      pool: EndpointPool(
        [endpoint], limit: transport.limits.connections, retries: retries, time: time),
      model: model, dialect: dialect, transport: transport, retries: retries, form: form,
      meter: meter)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    try await ask(request, topLogprobs: nil).chat
  }

  /// Asks every server something harmless, so that what it refuses is known before anything is measured.
  ///
  /// - Throws: `ChatFailure` where no other request could succeed either; what may be otherwise with
  ///   another request is left to that one.
  package func tryOut(
    _ decoding: Decoding, as variant: [ScaledUpdate] = []
  ) async throws(ChatFailure) {
    var decoding = decoding
    decoding.maxTokens = min(decoding.maxTokens, 16)
    decoding.maxReasoningTokens = nil
    let request = ChatRequest(
      messages: [ChatMessage(role: .user, content: "Hello.")], decoding: decoding, variant: variant)
    let places = try dialect.fields(for: variant).endpoints ?? Array(pool.endpoints.indices)
    for place in places {
      do throws(ChatFailure) {
        _ = try await ask(request, topLogprobs: nil, only: place, isProbe: true)
      } catch {
        if error.isFatal || error.code == .cancelled { throw error }
      }
    }
  }

  /// As `complete`, with the log-probabilities of the reply's tokens where `topLogprobs` asks for
  /// them and the server gives them.
  ///
  /// - Parameters:
  ///   - endpoint: the index of the one that must answer.
  ///   - isProbe: whether thoughts are as good as an answer.
  func ask(
    _ request: ChatRequest, topLogprobs: Int?, only endpoint: Int? = nil, isProbe: Bool = false
  ) async throws(ChatFailure) -> ParsedReply {
    let fields = try dialect.fields(for: request.variant)
    let name = fields.model ?? model
    let body = RequestBody(
      request: request, model: name, fields: fields, topLogprobs: topLogprobs)
    let expectedModel = fields.repliesNameTheModel ? name : nil
    var attempts = 1
    var failures = 0
    var refusals = 0
    var overloadedSince: Duration?
    var unreachable: Int?
    // Probes are what a voucher's own checks send.
    let voucher = isProbe ? nil : voucher
    var setbacks = 0
    while true {
      let lease = try await pool.acquire(
        among: endpoint.map { [$0] } ?? fields.endpoints, avoiding: unreachable,
        as: isProbe ? nil : request.variant)
      let form = form.value
      let data: Data
      let reservation: TokenReservation?
      do throws(ChatFailure) {
        data = try body.encoded(form)
        reservation = try await meter?.begin(request.mostTokens)
      } catch {
        pool.release(lease, .unknown)
        throw error
      }
      let outcome = await attempt(
        data, at: pool.endpoint(lease.server), number: attempts, expectedModel: expectedModel,
        isProbe: isProbe, budget: isProbe ? nil : ReasoningBudget(request.decoding),
        form: form)
      if let reservation { meter?.end(reservation, outcome.tokens) }
      pool.release(lease, outcome.load)
      if case .unreachable = outcome.load {
        unreachable = lease.server
        await voucher?.lose(lease.server)
      }
      if outcome.hasNewConnection { await voucher?.doubt(lease.server) }
      attempts += 1
      let failure: ChatFailure
      switch outcome.result {
      case .success(let reply):
        if try await counts(outcome, of: lease, request.variant, voucher) { return reply }
        setbacks += 1
        guard setbacks <= Self.mostSetbacks else { throw Self.unsettled(attempts) }
        continue
      case .failure(let found): failure = found
      }
      if !outcome.refusedFields.isEmpty,
        try self.form.adapt(
          to: outcome.refusedFields, of: form, request.decoding, failure: failure)
      {
        continue
      }
      // Under 429 the pool's own pause decides who may come back when, and when all give up.
      if case .overloaded = outcome.load {
        refusals += 1
        let since = overloadedSince ?? pool.time.now
        overloadedSince = since
        // One request may be refused for ever where others are answered; one may also have bad luck.
        if pool.isExhausted(lease.server)
          || retries.isGivenUp(refusals: refusals / 4, for: (pool.time.now - since) / 2)
        {
          throw failure
        }
      } else if voucher != nil, case .unreachable = outcome.load, setbacks < Self.mostSetbacks {
        // It is asked elsewhere at once, or waits until a server has passed its check again.
        setbacks += 1
      } else {
        failures += 1
        guard failures <= retries.allowed(outcome.retry) else {
          if try await counts(outcome, of: lease, request.variant, voucher) { throw failure }
          setbacks += 1
          guard setbacks <= Self.mostSetbacks else { throw failure }
          continue
        }
        let delay = retries.delay(retry: failures - 1, asked: outcome.secondsAsked)
        do { try await pool.time.sleep(for: .seconds(delay)) } catch { throw .cancelled }
      }
    }
  }

  /// What one attempt came to, and whether another may do better.
  private struct Outcome {
    var result: Result<ParsedReply, ChatFailure>
    var load: EndpointPool.Outcome
    var tokens: TokenReport
    var retry = ParsedResponse.Retry.never
    var secondsAsked: Double?
    var refusedFields: [String] = []
    /// Whether the server answered anything at all.
    var isResponse = false
    var hasNewConnection = false
    var origin: ReplyOrigin?
  }

  /// How often one request's server may go, or its reply not count, before that is its result.
  private static let mostSetbacks = 20

  private static func unsettled(_ attempts: Int) -> ChatFailure {
    ChatFailure(
      code: "identity-unsettled",
      message:
        "expected a reply of a server that stays the same, found \(mostSetbacks) in a row whose "
        + "servers changed while they answered", attempts: attempts, latencyMilliseconds: 0,
      isFatal: false)
  }

  /// Whether what an attempt came to may count.
  private func counts(
    _ outcome: Outcome, of lease: EndpointPool.Lease, _ variant: [ScaledUpdate],
    _ voucher: (any ReplyVoucher)?
  ) async throws(ChatFailure) -> Bool {
    guard let voucher, outcome.isResponse else { return true }
    var isFatal = false
    if case .failure(let failure) = outcome.result { isFatal = failure.isFatal }
    return try await voucher.vouches(
      for: lease.server, as: variant, from: outcome.origin, isFatal: isFatal)
  }

  private func attempt(
    _ body: Data, at endpoint: Endpoint, number: Int, expectedModel: String?, isProbe: Bool,
    budget: ReasoningBudget?, form: RequestForm
  ) async -> Outcome {
    do throws(TransportError) {
      let response = try await transport.send(endpoint.request(endpoint.chat, body: body))
      let parsed = ReplyParser(
        endpoint: endpoint, attempts: number, expectedModel: expectedModel, isProbe: isProbe,
        budget: budget, form: form
      ).parse(response)
      let result = parsed.result.map { reply in
        var reply = reply
        reply.origin = parsed.origin
        return reply
      }
      return Outcome(
        result: result, load: Self.load(of: response.status, parsed), tokens: parsed.tokens,
        retry: parsed.retry, secondsAsked: parsed.secondsAsked, refusedFields: parsed.refusedFields,
        isResponse: true, hasNewConnection: response.hasNewConnection, origin: parsed.origin)
    } catch {
      let failure = ChatFailure(
        code: error.code, message: "\(endpoint.name): \(error)", attempts: number,
        latencyMilliseconds: 0, isFatal: error.isFatal)
      switch error {
      case .unreachable:
        return Outcome(
          result: .failure(failure), load: .unreachable, tokens: .nothing, retry: .often)
      case .connection:
        return Outcome(
          result: .failure(failure), load: .unreachable, tokens: .unknown, retry: .often)
      case .timedOut(let phase, _):
        // What waited for a model's whole time once is not made to wait for it seven times.
        return phase == .connection
          ? Outcome(
            result: .failure(failure), load: .unreachable, tokens: .nothing, retry: .often)
          : Outcome(result: .failure(failure), load: .unknown, tokens: .unknown, retry: .once)
      case .invalidURL, .invalidKey, .untrusted:
        return Outcome(result: .failure(failure), load: .unknown, tokens: .nothing)
      default:
        return Outcome(result: .failure(failure), load: .unknown, tokens: .unknown)
      }
    }
  }

  private static func load(of status: Int, _ parsed: ParsedResponse) -> EndpointPool.Outcome {
    // A filter's or an account's no is an answer, whatever its status.
    guard case .failure(let failure) = parsed.result, !failure.isFatal,
      failure.code == .http(status)
    else { return .answered }
    let isOverloaded = status == 429 || status == 529 || status == 503 && parsed.secondsAsked != nil
    return isOverloaded
      ? .overloaded(secondsAsked: parsed.secondsAsked, said: failure.message) : .answered
  }
}

extension RetryPolicy {
  /// Further attempts where another may do better.
  func allowed(_ retry: ParsedResponse.Retry) -> Int {
    switch retry {
    case .never: 0
    case .once: min(1, maxRetries)
    case .often: maxRetries
    }
  }
}
