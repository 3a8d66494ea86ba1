package import Checkpoints
package import ModelAccess

/// One update of a study, by the name that cells choose it by.
package struct NamedUpdate: Sendable {
  package let name: UpdateName
  package let update: WeightUpdate
  /// Its weights', which the plan, the cache and the attacks on it are keyed by.
  let digest: String

  package init(name: UpdateName, update: WeightUpdate) {
    self.name = name
    self.update = update
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

  /// Digests by name, for the plan and the cache.
  func digests() -> [UpdateName: String] {
    Dictionary(all.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
  }
}
