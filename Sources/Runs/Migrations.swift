import StudyDesign
package import Support

/// How the files of earlier releases are read: each kind of file with a step from every schema to the
/// next.
///
/// Schema 2 has treatments and attacks as values where schema 1 had a rank and an α (a string and a
/// number) and an attack's name; every other difference is a field that schema 1 lacks.
package enum Migrations {
  /// The schema that is written today.
  package static let current = 2

  package static let manifest = [SchemaFile.Migration(from: 1, manifestFromFirst)]
  package static let summary = [SchemaFile.Migration(from: 1, summaryFromFirst)]

  // MARK: - run.json

  private static func manifestFromFirst(_ file: JSONNode) -> JSONNode {
    file
      .setting("judgeQuality", ifMissing: .array([]))
      .setting("limits", ifMissing: standardLimits)
      .changing("plan") { plan in
        let isForRank = plan["study"]?.text == "effective-rank"
        let judge = plan["judge"] ?? .string("")
        // Those of the first release have one judge and one sample a prompt.
        return
          plan
          .setting("samples", ifMissing: .number("1"))
          .setting(
            "judges",
            ifMissing: .object(of: [
              (judge.text ?? "", plan["judgeConfiguration"] ?? .string(""))
            ])
          )
          .changing("datasets") { datasets in
            .object(
              of: (datasets.members ?? []).map { member in
                let named = member.value["judges"]?.elements ?? []
                return (
                  member.key,
                  named.isEmpty ? member.value.setting("judges", to: .array([judge])) : member.value
                )
              })
          }
          .changing("cells") { .array(cells($0.elements ?? [], isForRank: isForRank)) }
      }
  }

  /// What a recommended α might cost where a file does not say it.
  private static let standardLimits = JSONNode.object(of: [
    ("max_over_refusal_increase", .number("0.05")), ("max_utility_drop", .number("0.05")),
    ("max_over_refusal", .number("0.5")), ("max_degenerate", .number("0.2")),
  ])

  /// Cells at α = 0 stood once for each rank, and shared their samples: one of them is left.
  private static func cells(_ old: [JSONNode], isForRank: Bool) -> [JSONNode] {
    var untreated: Set<String> = []
    return old.compactMap { cell -> JSONNode? in
      let attack = cell["attack"]?.text ?? ""
      let dataset = cell["dataset"]?.text ?? ""
      let rank = cell["rank"]?.text ?? ""
      let alpha = cell["alpha"]?.double ?? 0
      if alpha == 0, !untreated.insert("\(attack)\n\(dataset)").inserted { return nil }
      let place = alpha == 0 ? "a0" : "r\(rank)-a\(Number.text(alpha))"
      var members: [(String, JSONNode)] = [
        ("id", .string("\(place)-\(attack)-\(dataset)")),
        ("model", cell["model"] ?? .null),
        ("targets", cell["targets"] ?? .null),
        ("treatment", treatment(rank: rank, alpha: alpha, isForRank: isForRank)),
        (
          "attack",
          .object(of: [
            ("label", .string(attack)), ("method", cell["attackMethod"] ?? .string("none")),
            ("recipe", .string("")),
          ])
        ),
        (
          "prompt_attack", .object(of: [("method", .string("none")), ("parameters", .emptyObject)])
        ),
        ("dataset", .string(dataset)),
        ("variant", cell["variant"] ?? .array([])),
      ]
      if alpha != 0 { members.append(("baseline", .string("a0-\(attack)-\(dataset)"))) }
      return .object(of: members)
    }
  }

  private static func treatment(rank: String, alpha: Double, isForRank: Bool) -> JSONNode {
    let isNone = alpha == 0
    let value = Int(rank).map { JSONNode.number("\($0)") } ?? .string(rank)
    let method = isNone ? "none" : isForRank ? "projection" : "lox"
    return .object(of: [
      ("method", .string(method)),
      ("parameters", isNone || rank.isEmpty ? .emptyObject : .object(of: [("rank", value)])),
      ("strength", .number(Number.text(alpha))), ("stage", .string("before")),
    ])
  }

  // MARK: - summary.json

  /// The id that the row's cell had.
  private static func rowID(_ row: JSONNode) -> String {
    let alpha = row["alpha"]?.double ?? 0
    let place = alpha == 0 ? "a0" : "r\(row["rank"]?.text ?? "")-a\(Number.text(alpha))"
    return "\(place)-\(row["attack"]?.text ?? "")-\(row["dataset"]?.text ?? "")"
  }

  private static func count(_ code: String, of row: JSONNode) -> Int {
    row["error_codes"]?[code]?.integer ?? 0
  }

  private static func summaryFromFirst(_ file: JSONNode) -> JSONNode {
    let isForRank = !(file["effective_ranks"]?.elements ?? []).isEmpty
    func treated(_ node: JSONNode) -> JSONNode {
      guard let alpha = node["alpha"]?.double else { return node }
      return node.setting(
        "treatment",
        to: treatment(rank: node["rank"]?.text ?? "", alpha: alpha, isForRank: isForRank))
    }
    var untreated: Set<[String]> = []
    return
      file
      .changing("datasets") { datasets in
        .object(
          of: (datasets.members ?? []).map {
            ($0.key, $0.value.setting("judges", ifMissing: .array([])))
          })
      }
      .changing("rows") { rows in
        .array(
          (rows.elements ?? []).filter { row in
            // As of the manifest's cells, one row is left of each untreated model.
            guard row["alpha"]?.double == 0 else { return true }
            return untreated.insert(
              ["attack", "dataset", "judge"].map { row[$0]?.text ?? "" }
            ).inserted
          }.map { row in
            treated(row)
              .setting("cell", to: .string(rowID(row)))
              .setting("filtered", to: .number("\(count("filtered", of: row))"))
              .setting("unanswered", to: .number("\(count("no-answer-within-limit", of: row))"))
              .setting(
                "unscored",
                to: .number("\(count("judge-unparsable", of: row) + count("unscored", of: row))")
              )
              .setting("prompt_attack", ifMissing: .string("none"))
              .setting("samples", ifMissing: .number("1"))
              .setting("error_codes", ifMissing: .emptyObject)
              .setting(
                "prompts",
                ifMissing: .number(
                  "\((row["n"]?.integer ?? 0) - (row["errors"]?.integer ?? 0))"))
          })
      }
      .setting("judge_agreement", ifMissing: .array([]))
      .setting("judge_quality", ifMissing: .array([]))
      .setting("effective_ranks", ifMissing: .array([]))
      .changing("recommendation") { recommendation in
        treated(recommendation).changing("candidates") { candidates in
          .array((candidates.elements ?? []).map(treated))
        }
      }
  }
}
