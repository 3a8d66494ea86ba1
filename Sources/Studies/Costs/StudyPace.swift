/// How long a study that is under way takes yet, by what it did so far: trainings and replies each by their own
/// measure. A value without a clock: times are its caller's.
package struct StudyPace: Sendable {
  /// What is left.
  package struct Left: Hashable, Sendable {
    /// Of trainings and replies together.
    package var seconds: Double
    /// Of trainings alone.
    package var trainingSeconds: Double
    /// Trainings that are not done, the one under way among them.
    package var trainings: Int
    /// Whether replies are counted by what trainings take, since none was asked yet.
    package var isRough: Bool
  }

  /// Making an update passes over a dialogue forward and backward, a reply forward alone: what one takes in the
  /// other's measure, before both are measured.
  package static let repliesOfADialogue = 2.0

  /// Dialogues that trainings have yet to pass over, and trainings that do.
  private var passes: Int
  private var trainings: Int
  private var replies: Int
  /// What is measured.
  private var passesDone = 0.0
  private var passSeconds = 0.0
  private var repliesDone = 0
  private var replySeconds = 0.0
  /// The training under way: its passes, the share that is done, and its seconds so far.
  private var current: (passes: Int, share: Double, seconds: Double)?

  /// - Parameters:
  ///   - passes: of dialogues, over all trainings.
  ///   - replies: to be asked.
  package init(trainings: Int, passes: Int, replies: Int) {
    (self.trainings, self.passes, self.replies) = (trainings, passes, replies)
  }

  /// A training begins, or is looked for where it is kept.
  package mutating func begin(passes: Int) { current = (passes, 0, 0) }

  /// It goes on.
  ///
  /// - Parameters:
  ///   - share: of its steps that are done.
  ///   - seconds: since it began.
  package mutating func goOn(share: Double, seconds: Double) {
    guard let current else { return }
    self.current = (current.passes, min(1, max(0, share)), seconds)
  }

  /// It is done.
  ///
  /// - Parameter seconds: that it took; nil where it was there already, which measures nothing.
  package mutating func end(seconds: Double?) {
    guard let current else { return }
    passes = max(0, passes - current.passes)
    trainings = max(0, trainings - 1)
    if let seconds {
      passesDone += Double(current.passes)
      passSeconds += seconds
    }
    self.current = nil
  }

  /// Replies came.
  package mutating func asked(_ count: Int, seconds: Double) {
    replies = max(0, replies - count)
    repliesDone += count
    replySeconds += seconds
  }

  /// nil before anything is measured.
  package var left: Left? {
    let done = passesDone + (current.map { Double($0.passes) * $0.share } ?? 0)
    let spent = passSeconds + (current.map { $0.share > 0 ? $0.seconds : 0 } ?? 0)
    let eachPass = done > 0 ? spent / done : nil
    let eachReply =
      repliesDone > 0
      ? replySeconds / Double(repliesDone) : eachPass.map { $0 / Self.repliesOfADialogue }
    let open = Double(passes) - (current.map { Double($0.passes) * $0.share } ?? 0)
    guard open <= 0 || eachPass != nil, replies == 0 || eachReply != nil else { return nil }
    let training = max(0, open) * (eachPass ?? 0)
    return Left(
      seconds: training + Double(replies) * (eachReply ?? 0), trainingSeconds: training,
      trainings: trainings, isRough: repliesDone == 0 && replies > 0)
  }
}
