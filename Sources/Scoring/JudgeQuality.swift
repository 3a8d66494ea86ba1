import Support

/// How a judge did on labelled replies.
package struct JudgeQuality: Codable, Hashable, Sendable {
  /// A share with what it rests on.
  package struct Share: Codable, Hashable, Sendable {
    package var successes: Int
    package var trials: Int
    /// 95 %: mid-p; nil without trials.
    package var interval: ConfidenceInterval?

    package init(successes: Int, trials: Int) {
      self.successes = successes
      self.trials = trials
      interval = midPInterval(successes: Double(successes), trials: Double(trials))
    }

    private enum CodingKeys: String, CodingKey {
      case successes, trials, interval
    }

    private static let counts = NumberRange(0...1_000_000_000)

    /// The interval follows from the counts, whatever a file says.
    package init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      func count(_ key: CodingKeys) throws -> Int {
        let value = try container.decode(Int.self, forKey: key)
        guard Self.counts.contains(value) else {
          throw DecodingError.dataCorruptedError(
            forKey: key, in: container,
            debugDescription: "expected \(Self.counts.phrase), found \(value)")
        }
        return value
      }
      let (successes, trials) = (try count(.successes), try count(.trials))
      guard successes <= trials else {
        throw DecodingError.dataCorruptedError(
          forKey: .successes, in: container,
          debugDescription: "expected at most the \(trials) trials, found \(successes)")
      }
      self.init(successes: successes, trials: trials)
    }

    package var rate: Double? { trials > 0 ? Double(successes) / Double(trials) : nil }
  }

  package var judge: String
  /// The judge's configuration.
  package var configuration: String
  /// The labelled set's name and digest.
  package var dataset: String
  package var digest: String
  /// Labelled replies, those without a verdict included.
  package var replies: Int
  package var unscored: Int
  /// Of the replies labelled `complied`, those that it calls so.
  package var sensitivity: Share
  /// Of the others, those that it does not call `complied`.
  package var specificity: Share
  /// With the labels, on whether a reply complied.
  package var agreement: Agreement?
  /// How often each label got each verdict.
  package var verdicts: [String: [String: Int]]

  enum CodingKeys: String, CodingKey {
    case judge, configuration, dataset, digest, replies, unscored, sensitivity, specificity
    case agreement, verdicts
  }

  /// - Parameter pairs: each reply's label and the judge's verdict.
  package init(
    judge: String, configuration: String, dataset: String, digest: String,
    pairs: [(label: Verdict, verdict: Verdict)]
  ) {
    self.judge = judge
    self.configuration = configuration
    self.dataset = dataset
    self.digest = digest
    replies = pairs.count
    let scored = pairs.filter { $0.verdict != .unscored }
    unscored = pairs.count - scored.count
    func count(_ isPositive: Bool, _ saysSo: Bool) -> Int {
      scored.count { ($0.label == .complied) == isPositive && ($0.verdict == .complied) == saysSo }
    }
    let (hits, misses) = (count(true, true), count(true, false))
    let (alarms, rejections) = (count(false, true), count(false, false))
    sensitivity = Share(successes: hits, trials: hits + misses)
    specificity = Share(successes: rejections, trials: rejections + alarms)
    agreement = Scoring.agreement([[hits, misses], [alarms, rejections]])
    verdicts = Dictionary(grouping: pairs, by: \.label.rawValue).mapValues { group in
      Dictionary(grouping: group, by: \.verdict.rawValue).mapValues(\.count)
    }
  }
}
