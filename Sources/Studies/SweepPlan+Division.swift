import Attacks
import ModelAccess
package import Runs
package import StudyDesign

extension SweepPlan {
  /// What is not torn apart when a study is divided: the cells of one model, or of all models that come from
  /// one training.
  private struct Unit: Hashable {
    /// The training that it is for; nil where none is made for it.
    var training: String?
    /// The model's; nil where the training says it.
    var treatment: Treatment?
    /// nil where a training was made for it.
    var attack: AttackID?
  }

  /// Divides the study among shards: by models, each training in one of them, and so that all have about as
  /// much to do.
  ///
  /// - Parameter samples: how many a cell has.
  package func division(
    into shards: Int, samples: (Cell) -> Int
  ) throws(Division.Failure) -> Division {
    let kept = Dictionary(
      attacks.filter { $0.attack.isKept }.map { ($0.name, $0) },
      uniquingKeysWith: { first, _ in first })
    var places: [Unit: Int] = [:]
    var work: [Double] = []
    var costs: [String: Double] = [:]
    let units = cells.map { cell -> Int in
      let attack = cell.variant.lazy.compactMap { kept[$0.name] }.first
      var unit = Unit(training: attack?.training)
      // What is trained once serves the models of every strength: they may be asked anywhere.
      if attack?.attack.isMadeFromEachModel != true { unit.treatment = cell.treatment }
      if attack == nil { unit.attack = cell.attack }
      let place = places[unit] ?? work.count
      if places.updateValue(place, forKey: unit) == nil { work.append(0) }
      work[place] += Double(samples(cell))
      if let attack {
        // Of points along a training the last costs all of it.
        let cost = StudyPace.repliesOfADialogue * Double(attack.attack.passes)
        let known = costs[attack.training] ?? 0
        work[place] += max(0, cost - known)
        costs[attack.training] = max(cost, known)
      }
      return place
    }
    return try Division(units: units, work: work, into: shards)
  }
}

extension SweepPlan.PlannedAttack {
  /// Tells its training from all others of the study.
  var training: String {
    id.step == nil ? name.text : "\(id.method.rawValue) \(id.recipe) \(stack.label)"
  }
}
