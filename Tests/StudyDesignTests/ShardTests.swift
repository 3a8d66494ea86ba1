import Support
import Testing

@testable import StudyDesign

@Suite struct ShardTests {
  @Test(arguments: [("1/1", 1, 1), ("3/8", 3, 8), ("08/8", 8, 8), ("10000/10000", 10_000, 10_000)])
  func partsAreRead(text: String, index: Int, count: Int) throws {
    let shard = try Shard(parsing: text)
    #expect(shard.index == index && shard.count == count)
  }

  @Test(arguments: [
    "", "3", "/", "3/", "/8", "3/8/1", "-1/8", "+1/8", "1 /8", "a/b", "1.5/8", "1/0", "1/10001",
    "99999999999999999999/8", "１/８/",
  ])
  func whatIsNoPartIsRefused(text: String) {
    #expect(throws: Shard.Failure.form(text)) { _ = try Shard(parsing: text) }
  }

  @Test(arguments: [("0/8", 0), ("9/8", 9)])
  func partsBeyondTheirNumberAreRefused(text: String, index: Int) {
    #expect(throws: Shard.Failure.outOfRange(index: index, count: 8)) {
      _ = try Shard(parsing: text)
    }
  }
}

@Suite struct DivisionTests {
  /// No unit is torn, no shard is without work, and none has more than the average and one unit.
  @Test(arguments: 0..<40)
  func unitsAreWholeAndShardsAreBusyAlike(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func draw(_ count: Int) -> Int { Int(random.nextUnit() * Double(count)) }
    let unitCount = 1 + draw(30)
    // Every unit has a cell, in no order.
    let units = (0..<unitCount).map { $0 } + (0..<draw(60)).map { _ in draw(unitCount) }
    let work = (0..<unitCount).map { _ in Double(draw(4) == 0 ? 0 : draw(1_000)) }
    for shards in 1...unitCount {
      let division = try Division(units: units, work: work, into: shards)
      #expect(division.isValid(cells: units.count))
      #expect(try Division(units: units, work: work, into: shards) == division)
      var owner: [Int: Int] = [:]
      for (unit, shard) in zip(units, division.cells) {
        #expect(owner.updateValue(shard, forKey: unit) ?? shard == shard)
      }
      #expect(Set(division.cells).count == shards)
      #expect(Set((1...shards).flatMap(division.places)) == Set(units.indices))
      let loads = (1...shards).map { shard in
        owner.filter { $0.value == shard }.reduce(0) { $0 + work[$1.key] }
      }
      let most = work.reduce(0, +) / Double(shards) + (work.max() ?? 0)
      #expect(loads.max() ?? 0 <= most)
    }
  }

  @Test func moreShardsThanUnitsAreRefused() {
    #expect(throws: Division.Failure.tooMany(shards: 3, units: 2)) {
      _ = try Division(units: [0, 1, 0], work: [1, 1], into: 3)
    }
  }

  @Test func aDivisionOfAnotherPlanIsNotValid() {
    #expect(!Division(shards: 2, cells: [1, 2, 3]).isValid(cells: 3))
    #expect(!Division(shards: 2, cells: [1, 0]).isValid(cells: 2))
    #expect(!Division(shards: 2, cells: [1, 2]).isValid(cells: 3))
    #expect(!Division(shards: 0, cells: []).isValid(cells: 0))
  }
}
