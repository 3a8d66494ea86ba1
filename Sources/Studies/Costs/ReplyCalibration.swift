import Foundation
import ModelAccess
import Support

/// Measures how fast a study's model answers, by some of the study's own requests.
struct ReplyCalibration {
  let model: any ChatCompleting
  /// In the proportions of the study; asked in turn, and from the first again where they are too few.
  let requests: [ChatRequest]
  /// Requests at a time.
  let width: Int
  /// Seconds that measuring may take, where the model is fast enough to be measured in so many.
  let budget: Double
  var time: any TimeSource = SystemTime()

  /// What a reply takes where `width` of them are under way.
  struct Pace: Equatable {
    /// Of one reply, as long as the measured ones are.
    var secondsEach: Double
    /// Of one as long as it may be.
    var secondsOfTheLongest: Double
    /// New tokens of a reply.
    var newTokens: Double
    /// Of a prompt, as the server counts them.
    var promptTokens: Double
    /// Of the first reply, in which weights are read for the first time.
    var secondsToBegin: Double
    /// Replies that were asked.
    var asked: Int
  }

  /// What some requests side by side came to.
  private struct Wave {
    var seconds: Double
    var replies: Int
    var promptTokens: Int
    var newTokens: Int
    /// Replies that ended before their limit.
    var ended: Int
  }

  /// - Throws: the first failure, where no request of a wave is answered.
  func measure() async throws -> Pace {
    let begin = time.now
    let limit = requests.map(\.mostTokens.completion).max() ?? 1
    var place = 0
    let first = try await wave(1, tokens: 1, &place)
    let short = try await wave(width, tokens: min(4, limit), &place)
    let longer = try await wave(width, tokens: min(16, limit), &place)
    var asked = 1 + short.replies + longer.replies
    // Side by side they go on step by step, each a token of every reply.
    let steps = max(1, min(16, limit) - min(4, limit))
    var step = max(1e-9, (longer.seconds - short.seconds) / Double(steps))
    var opening = max(0, short.seconds - Double(min(4, limit)) * step)
    let whole = opening + Double(limit) * step
    let room = budget - (time.now - begin).inSeconds
    var each = longer.seconds / Double(width)
    var tokens = Double(longer.newTokens) / Double(longer.replies)
    if limit > 16, whole <= room {
      let waves = max(1, min(4, Int(room / whole)))
      let full = try await wave(width * waves, tokens: nil, &place)
      asked += full.replies
      each = full.seconds / Double(width * waves)
      tokens = Double(full.newTokens) / Double(full.replies)
    } else if limit > 16 {
      var longest = (wave: longer, limit: 16)
      let count = Int((room - opening) / step)
      if count >= 32 {
        let part = try await wave(width, tokens: count, &place)
        asked += part.replies
        step = max(1e-9, (part.seconds - short.seconds) / Double(count - 4))
        opening = max(0, short.seconds - 4 * step)
        longest = (part, count)
      }
      tokens = Self.expectedTokens(
        seen: longest.wave.newTokens, ended: longest.wave.ended, limit: limit)
      each = (opening + tokens * step) / Double(width)
    }
    return Pace(
      secondsEach: each,
      secondsOfTheLongest: max(each, (opening + Double(limit) * step) / Double(width)),
      newTokens: tokens, promptTokens: Double(short.promptTokens) / Double(short.replies),
      secondsToBegin: first.seconds, asked: asked)
  }

  /// The mean length of replies of which so many tokens were seen and so many ends: as if each token were
  /// the last with one probability, up to the limit.
  static func expectedTokens(seen: Int, ended: Int, limit: Int) -> Double {
    guard ended > 0, seen > 0 else { return Double(limit) }
    let rate = Double(ended) / Double(seen)
    return (1 - exp(-rate * Double(limit))) / rate
  }

  /// - Parameter tokens: the limit of each reply; nil for the study's own.
  private func wave(_ count: Int, tokens: Int?, _ place: inout Int) async throws -> Wave {
    let chosen = (0..<count).map { index in
      var request = requests[(place + index) % requests.count]
      if let tokens {
        request.decoding.maxTokens = tokens
        request.decoding.maxReasoningTokens = nil
      }
      return request
    }
    place += count
    let begin = time.now
    var replies: [ChatReply] = []
    var failure: ChatFailure?
    try await workConcurrently(on: chosen, atMost: width) {
      [model] request -> Result<ChatReply, ChatFailure> in
      do throws(ChatFailure) {
        return .success(try await model.complete(request))
      } catch {
        return .failure(error)
      }
    } done: { _, result in
      switch result {
      case .success(let reply): replies.append(reply)
      case .failure(let found):
        if found.isFatal { throw found }
        failure = failure ?? found
      }
    }
    if replies.isEmpty, let failure { throw failure }
    return Wave(
      seconds: (time.now - begin).inSeconds, replies: max(1, replies.count),
      promptTokens: replies.reduce(0) { $0 + ($1.promptTokens ?? 0) },
      newTokens: replies.reduce(0) { $0 + ($1.completionTokens ?? $1.text.utf8.count / 4) },
      ended: replies.count { $0.finishReason != "length" })
  }
}
