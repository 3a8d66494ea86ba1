package import ModelAccess
import Support

/// One of several servers that serve the same, as far as it is known.
struct Replica {
  enum Standing {
    /// It has to be reached and looked at first.
    case joining
    /// It may be asked as the models that it is proven to serve.
    case serving
    /// It differs from the others, and is not asked.
    case aside
    /// It is in the list no more; what it has under way comes to its own end.
    case left
  }

  /// What a passed check of one model holds for.
  struct Check {
    /// When it began.
    var begun: Int
    /// What its replies said of where they come from; nil where they did not agree.
    var origin: ReplyOrigin?
  }

  /// As it was named.
  let given: Endpoint
  /// At the base that its address means.
  var probe: ServerProbe
  var standing = Standing.joining
  /// Reaches it, while it joins.
  var enrolment: Task<Void, Never>?
  /// How often it was lost and found: what was begun before then says nothing of it any more.
  var life = 0
  /// Losses since it last passed a check.
  var losses = 0
  var hasServed = false
  /// When it was last found to be of the others' kind, and when that was last open to doubt: a reply came
  /// over a connection that was opened for it.
  var admitted = 0
  var doubted = 0
  /// The last passed check of each model.
  var checks: [[ScaledUpdate]: Check] = [:]
  /// The models that it may be asked as.
  var proven: Set<[ScaledUpdate]> = []
  /// The models that it is being checked as.
  var proving: Set<[ScaledUpdate]> = []
  /// The models that it was told to load.
  var loaded: Set<[ScaledUpdate]> = []

  /// The check that a reply may count by: it began after whatever gave doubt.
  func check(of variant: [ScaledUpdate]) -> Check? {
    checks[variant].flatMap { $0.begun > doubted ? $0 : nil }
  }
}

/// What happened to a replica, for the run's record and its progress.
package struct ReplicaEvent: Sendable {
  package enum Kind: String, Sendable {
    /// It was reached, and is of the others' kind.
    case joined
    /// It could not be reached, or broke a connection.
    case lost
    /// It was lost, and was reached again.
    case returned
    /// It differs from the others, and is asked no more.
    case aside
    /// It is in the list no more.
    case left
  }

  package var kind: Kind
  package var endpoint: Endpoint
  /// Why, in words; empty where there is nothing to say.
  package var detail: String
}

/// How replicas are kept.
package struct ReplicaPolicy: Sendable {
  /// Whether further replicas may come, so that it is waited for them where none is left.
  package var mayGrow: Bool
  /// How long a replica may take to be ready before that is told; it is tried again.
  package var patience: Duration
  /// How long there may be none that can be asked.
  package var lonely: Duration

  package init(mayGrow: Bool, patience: Duration, lonely: Duration) {
    self.mayGrow = mayGrow
    self.patience = patience
    self.lonely = lonely
  }
}

extension ErrorCode {
  /// No replica could be asked for as long as may be waited for one.
  package static let noReplica: ErrorCode = "no-replica"

  /// Another attempt may go better: nothing was learnt of what the server serves.
  package var saysNothingOfTheModel: Bool {
    if ["connection", "timeout", "not-ready", "replica-left"].contains(rawValue) { return true }
    guard rawValue.hasPrefix("http-"), let status = Int(rawValue.dropFirst(5)) else {
      return false
    }
    return RetryPolicy.isTransient(status: status)
  }
}
