import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import Runs

/// What a run may cost, and what is kept of what it cost.
@Suite struct SpendingTests {
  /// A thousand tokens in cost 1, a thousand out 2.
  static let prices = Prices(perMillionIn: 1_000, perMillionOut: 2_000)
  /// Costs 0.3 at most.
  static let most = TokenUse(prompt: 100, completion: 100)

  static func book(
    limit: Double? = nil, prices: Prices = prices, judges: Prices? = nil, in run: URL? = nil
  ) throws -> SpendingBook {
    let book = try SpendingBook(
      prices: prices, judgePrices: judges, limit: limit, continuing: run)
    if let run { try book.open(in: run) }
    return book
  }

  @Test func whatServersSayIsCounted() async throws {
    let book = try Self.book(judges: Prices(perMillionIn: 0, perMillionOut: 10_000))
    let (models, judges) = (book.meter(of: .models), book.meter(of: .judges))
    models.end(try await models.begin(Self.most), .answered(prompt: 50, completion: 20))
    judges.end(try await judges.begin(Self.most), .answered(prompt: 70, completion: 30))
    let spending = book.spending
    #expect(spending.requests == 2 && spending.untold == 0 && spending.underWay == 0)
    #expect(spending.promptTokens == 120 && spending.completionTokens == 50)
    #expect(abs(spending.cost - (0.05 + 0.04 + 0.3)) < 1e-12)
    #expect(spending.underWayCost == 0)
  }

  /// Nobody knows what a request took that broke off, or whose server does not count; one that was refused took
  /// nothing.
  @Test(
    arguments: [
      (TokenReport.unknown, 1, 1, 0.3), (.answered(prompt: nil, completion: nil), 1, 1, 0.3),
      (.answered(prompt: nil, completion: 10), 1, 1, 0.12),
      (.answered(prompt: 10, completion: nil), 1, 1, 0.21), (.nothing, 0, 0, 0),
    ])
  func whatIsNotToldCountsAsTheMost(
    report: TokenReport, requests: Int, untold: Int, cost: Double
  ) async throws {
    let book = try Self.book()
    let meter = book.meter(of: .models)
    meter.end(try await meter.begin(Self.most), report)
    let spending = book.spending
    #expect(spending.requests == requests && spending.untold == untold)
    #expect(abs(spending.cost - cost) < 1e-12)
  }

  /// A process that ends without a word leaves what it can have spent.
  @Test func aKilledSessionCountsAsTheMostThatItCanHaveSpent() async throws {
    let folder = try TemporaryFolder()
    do {
      let meter = try Self.book(in: folder.url).meter(of: .models)
      meter.end(try await meter.begin(Self.most), .answered(prompt: 100, completion: 50))
      _ = try await meter.begin(Self.most)
      _ = try await meter.begin(Self.most)
    }
    let kept = try #require(try Spending.read(in: folder.url))
    #expect(kept.underWay == 2 && abs(kept.mostSpent - 0.8) < 1e-12)
    // The next session has other prices: what was spent was spent.
    let dear = Prices(perMillionIn: 1e6, perMillionOut: 1e6)
    let spending = try Self.book(limit: 5, prices: dear, in: folder.url).spending
    #expect(spending.requests == 3 && spending.untold == 2 && spending.underWay == 0)
    #expect(abs(spending.cost - 0.8) < 1e-12)
    #expect(spending.prices == dear && spending.limit == 5)
    #expect(try Spending.read(in: folder.url) == spending)
  }

  /// While others may leave enough a request waits; once they cannot it is refused.
  @Test func aRequestWaitsForWhatOthersLeave() async throws {
    let book = try Self.book(limit: 0.65)
    let meter = book.meter(of: .models)
    let one = try await meter.begin(Self.most)
    let two = try await meter.begin(Self.most)
    let third = Task { try await meter.begin(Self.most) }
    try await Task.sleep(for: .milliseconds(20))
    #expect(book.spending.underWay == 2)
    meter.end(one, .answered(prompt: 10, completion: 10))
    let begun = try await third.value
    #expect(book.spending.underWay == 2)
    meter.end(begun, .answered(prompt: 100, completion: 100))
    meter.end(two, .answered(prompt: 100, completion: 100))
    let failure = await #expect(throws: ChatFailure.self) { try await meter.begin(Self.most) }
    #expect(failure?.code == .costLimit && failure?.isFatal == true)
    #expect(
      failure?.message
        == "0.63 of at most 0.65 is spent, and the next request can cost 0.3")
    #expect(book.spending.cost <= 0.65)
    // What is small enough still goes.
    _ = try await meter.begin(TokenUse(prompt: 10, completion: 5))
  }

  @Test func aCancelledRequestDoesNotWait() async throws {
    let book = try Self.book(limit: 0.3)
    let meter = book.meter(of: .models)
    _ = try await meter.begin(Self.most)
    let waiting = Task { try await meter.begin(Self.most) }
    try await Task.sleep(for: .milliseconds(20))
    waiting.cancel()
    let failure = await #expect(throws: ChatFailure.self) { try await waiting.value }
    #expect(failure?.code == .cancelled)
    #expect(book.spending.underWay == 1)
  }

  /// A server that takes more than was thought does so again.
  @Test func whatPassesTheMostRaisesIt() async throws {
    let book = try Self.book(limit: 10)
    let meter = book.meter(of: .models)
    meter.end(try await meter.begin(Self.most), .answered(prompt: 160, completion: 400))
    let next = try await meter.begin(Self.most)
    #expect(next.most == TokenUse(prompt: 160, completion: 400))
  }

  @Test func aFileOfNoSpendingIsRefused() throws {
    let folder = try TemporaryFolder()
    for text in ["{}", "{\"schema\": 2}", "not JSON"] {
      try folder.write(text, Spending.fileName)
      #expect(throws: RunError.self) { try Spending.read(in: folder.url) }
    }
  }

  @Test(arguments: [
    (0, "0"), (0.42, "0.42"), (1234.56789, "1234.5679"), (0.000_012_345, "1.23e-5"), (3, "3"),
  ])
  func amountsAreShort(value: Double, text: String) {
    #expect(Number.money(value) == text)
  }
}

/// What a shard says while it trains.
@Suite struct PreparationTests {
  @Test func whatASessionSaidIsReadAndWhatOneBeforeSaidIsNot() throws {
    let folder = try TemporaryFolder()
    let now = Date.now
    #expect(Preparation.read(in: folder.url, since: now.formatted(.iso8601)) == nil)
    let said = Preparation(secondsLeft: 90, trainings: 3, at: now)
    try said.write(in: folder.url)
    #expect(
      Preparation.read(in: folder.url, since: (now - 60).formatted(.iso8601)) == said)
    #expect(Preparation.read(in: folder.url, since: (now + 60).formatted(.iso8601)) == nil)
    try folder.write("{}", "preparing.json")
    #expect(Preparation.read(in: folder.url, since: (now - 60).formatted(.iso8601)) == nil)
  }
}
