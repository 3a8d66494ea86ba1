package import Checkpoints
package import ModelAccess

/// One update of a study, by the name that cells choose it by.
package struct NamedUpdate: Sendable {
  package let name: UpdateName
  package let update: WeightUpdate
  /// Its weights', which the plan, the cache and the attacks on it are keyed by.
  let digest: String
  /// What it makes of one model, where that stands as a checkpoint already.
  let outcome: Outcome?

  /// A model of the study that need not be merged.
  struct Outcome: Sendable {
    /// The key of the model that the update is added to, at a scale of 1.
    let of: String
    let checkpoint: Checkpoint
  }

  package init(name: UpdateName, update: WeightUpdate) {
    self.init(name: name, update: update, outcome: nil)
  }

  init(name: UpdateName, update: WeightUpdate, outcome: Outcome?) {
    self.name = name
    self.update = update
    self.outcome = outcome
    digest = update.digest()
  }

  package init(name: UpdateName, update: LowRankUpdate) {
    self.init(name: name, update: .lowRank(update))
  }
}

/// The updates of a study: names are unique, and every stack that is asked for resolves.
package struct StudyUpdates: Sendable {
  /// In the order in which they were planned.
  package let all: [NamedUpdate]
  private let places: [UpdateName: Int]

  /// - Throws: `StudyError.duplicateUpdate`: of two updates with one name, one would never be measured.
  package init(_ updates: [NamedUpdate]) throws(StudyError) {
    var places: [UpdateName: Int] = [:]
    for (index, update) in updates.enumerated() {
      guard places.updateValue(index, forKey: update.name) == nil else {
        throw .duplicateUpdate(update.name)
      }
    }
    all = updates
    self.places = places
  }

  package var names: [UpdateName] { all.map(\.name) }

  /// - Throws: `StudyError.unknownUpdate`: a model without one of its updates would be another model.
  subscript(name: UpdateName) -> NamedUpdate {
    get throws(StudyError) {
      guard let place = places[name] else { throw .unknownUpdate(name, known: names) }
      return all[place]
    }
  }

  /// The updates of a stack with their scales.
  func stack(
    _ stack: [ScaledUpdate]
  ) throws(StudyError) -> [ScaledWeightUpdate] {
    var resolved: [ScaledWeightUpdate] = []
    for scaled in stack {
      resolved.append(ScaledWeightUpdate(try self[scaled.name].update, scale: scaled.scale))
    }
    return resolved
  }

  /// The updates of a stack without one of full rank, with their scales.
  ///
  /// - Throws: `StudyError.denseUpdate` where it holds one.
  func lowRankStack(
    _ stack: [ScaledUpdate], for server: String
  ) throws(StudyError) -> [ScaledLowRankUpdate] {
    var resolved: [ScaledLowRankUpdate] = []
    for scaled in stack {
      guard let update = try self[scaled.name].update.lowRank else {
        throw .denseUpdate(server: server, update: scaled.name.text)
      }
      resolved.append(ScaledLowRankUpdate(update, scale: scaled.scale))
    }
    return resolved
  }

  /// A stack as a checkpoint that has to be written and adapters on it: everything up to the last update of
  /// full rank is merged, what is above it stays as it is.
  func split(
    _ stack: [ScaledUpdate]
  ) throws(StudyError) -> (merged: [ScaledUpdate], rest: [ScaledUpdate]) {
    var count = 0
    for (index, scaled) in stack.enumerated() where try self[scaled.name].update.isDense {
      count = index + 1
    }
    return (Array(stack[..<count]), Array(stack[count...]))
  }

  /// What tells a model of the study from every other.
  ///
  /// - Parameter digest: the checkpoint's.
  func key(
    of stack: some Collection<ScaledUpdate>, on digest: String
  ) throws(StudyError) -> String {
    var parts = [digest]
    for scaled in stack { parts.append("\(try self[scaled.name].digest) × \(scaled.scale)") }
    return parts.joined(separator: " ")
  }

  /// The checkpoint that a stack makes, where it stands already as what its last update makes of the others.
  func outcome(of stack: [ScaledUpdate], on digest: String) throws(StudyError) -> Checkpoint? {
    guard let last = stack.last, last.scale == 1, let outcome = try self[last.name].outcome,
      try key(of: stack.dropLast(), on: digest) == outcome.of
    else { return nil }
    return outcome.checkpoint
  }

  /// Digests by name, for the plan and the cache.
  func digests() -> [UpdateName: String] {
    Dictionary(all.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
  }
}
