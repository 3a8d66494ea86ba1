import Foundation
import StudyDesign
import Support

extension RunManifest {
  /// The fields of the plan in which this run differs from another, each with both values.
  ///
  /// - Parameter fields: top-level fields of the plan that are not looked at.
  /// - Throws: `RunError.invalidPlan` where a plan cannot be written down: what cannot be compared is
  ///   not equal.
  package func differences(
    from other: RunManifest, except fields: Set<PlanField> = []
  ) throws(RunError) -> [String] {
    let isOld = plan.wasBegunUnderSchema1 || other.plan.wasBegunUnderSchema1
    func node(_ plan: Plan) throws(RunError) -> JSONNode {
      do {
        let data = try StableJSON.encode(isOld ? plan.withoutWhatSchema1Lacks : plan)
        let node = try JSONNode(parsing: [UInt8](data))
        return fields.reduce(node) { $0.removing($1.rawValue) }
      } catch {
        throw .invalidPlan(path: Self.fileName, reason: error.plainReason)
      }
    }
    return Self.differences(try node(plan), try node(other.plan), "")
  }

  /// What of a plan is known only when its models are made and served.
  package enum PlanField: String, Sendable {
    case updates, server, request, geometry
  }

  private static func differences(
    _ mine: JSONNode, _ theirs: JSONNode, _ path: String
  ) -> [String] {
    guard mine != theirs else { return [] }
    if let here = mine.members, let there = theirs.members {
      return Set(here.map(\.key)).union(there.map(\.key)).sorted().flatMap { key in
        differences(
          mine[key] ?? .null, theirs[key] ?? .null, path.isEmpty ? key : "\(path).\(key)")
      }
    }
    if let here = mine.elements, let there = theirs.elements {
      return here.count == there.count
        ? here.indices.flatMap { differences(here[$0], there[$0], "\(path)[\($0)]") }
        : ["\(path): \(there.count) there and \(here.count) here"]
    }
    func spelled(_ node: JSONNode) -> String {
      switch node {
      // It is written only where it is another.
      case .null where path == "arithmetic": "float32"
      case .null: "none"
      case .string(let text): text
      default: node.serialized
      }
    }
    let (here, there) = (spelled(mine), spelled(theirs))
    return [here.count + there.count < 200 ? "\(path) is \(there) there and \(here) here" : path]
  }
}

extension RunManifest.Plan {
  /// Such a run keeps its cells' ids, also where its file has been written anew since.
  fileprivate var wasBegunUnderSchema1: Bool { !cells.allSatisfy(\.hasDerivedID) }

  /// The plan as far as files of schema 1 tell it: their cells have other ids and no recipes.
  fileprivate var withoutWhatSchema1Lacks: RunManifest.Plan {
    var plan = self
    plan.samplingSeeds = nil
    plan.ladder = nil
    plan.cells = cells.map { cell in
      var cell = cell
      cell.id = CellID(rawValue: "")
      cell.baseline = nil
      cell.attack.recipe = ""
      cell.attack.seed = nil
      cell.attack.training = nil
      cell.attack.search = nil
      return cell
    }
    return plan
  }
}
