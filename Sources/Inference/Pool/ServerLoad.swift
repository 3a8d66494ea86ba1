import ModelAccess

/// How much one server bears, and how much it has.
struct ServerLoad {
  var inFlight = 0
  var limit: Int
  /// Answers since the limit last changed.
  var answers = 0
  /// Pauses since it last answered.
  var pauses = 0
  var firstPausedAt: Duration?
  var pausedAt: Duration?
  var pausedUntil: Duration?
  /// Being started; requests wait until it is ready.
  var isSuspended = false
  /// It has left.
  var isGone = false
  /// The models that it is shown to serve; nil where nobody asks for proof.
  var proofs: Set<[ScaledUpdate]>?

  init(limit: Int, wantsProof: Bool) {
    self.limit = limit
    proofs = wantsProof ? [] : nil
  }

  /// - Parameter variant: nil for a probe.
  func serves(_ variant: [ScaledUpdate]?) -> Bool {
    guard let proofs, let variant else { return true }
    return proofs.contains(variant)
  }

  func isFree(_ now: Duration) -> Bool {
    !isSuspended && inFlight < limit && (pausedUntil.map { $0 <= now } ?? true)
  }

  /// How full it is, from 0 to 1.
  var share: Double { Double(inFlight) / Double(limit) }

  /// Requests that were under way when it was last paused tell nothing new.
  func isNews(_ lease: PoolState.Lease) -> Bool { pausedAt.map { lease.grantedAt > $0 } ?? true }

  mutating func noteAnswer(upTo maximum: Int) {
    pauses = 0
    firstPausedAt = nil
    answers += 1
    if answers >= limit && limit < maximum {
      limit += 1
      answers = 0
    }
  }

  /// Half as many requests at a time as it just had.
  mutating func halve() {
    limit = max(1, min(limit, inFlight + 1) / 2)
    answers = 0
  }
}
