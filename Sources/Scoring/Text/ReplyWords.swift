import Synchronization

/// A reply as judges of words see it: whichever of them asks first has it read for all.
final class ReplyWords: Sendable {
  /// Bytes of a reply that are read.
  static let limit = 16_384

  /// What looking at a reply came to.
  enum Look {
    /// It says nothing, for a reason: an empty or a looping reply.
    case broken(String)
    /// It was read by the project's phrases.
    case read(ReplyReading)
  }

  private let response: String
  private let found = Mutex<Look?>(nil)

  init(_ response: String) { self.response = response }

  var look: Look {
    found.withLock { found in
      if let found { return found }
      let look = Self.look(response, .standard)
      found = look
      return look
    }
  }

  /// The same by phrases of one's own.
  static func look(_ response: String, _ lists: ReplyLists) -> Look {
    let text = NormalisedText(response, limit: limit)
    if let reason = DegenerateReply.reason(text) { return .broken(reason) }
    return .read(ReplyReading(text, lists))
  }
}

extension JudgedReply {
  /// What a judge of words makes of the reply, unless that is said already: by the server, or since the reply is
  /// broken.
  ///
  /// - Parameter lists: phrases of one's own; nil for the project's.
  func judgement(
    by lists: ReplyLists? = nil, _ judge: (ReplyReading) -> Judgement
  ) -> Judgement {
    if declaresRefusal { return .declaredRefusal }
    switch lists.map({ ReplyWords.look(response, $0) }) ?? words.look {
    case .broken(let reason): return Judgement(verdict: .degenerate, raw: reason)
    case .read(let reading): return judge(reading)
    }
  }
}
