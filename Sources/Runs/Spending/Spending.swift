package import Foundation
import ModelAccess
import Support

/// What a run has cost so far, all of its sessions together: `spending.json`, and as the run ends a part of
/// `run.json`.
package struct Spending: Codable, Hashable, Sendable, CustomStringConvertible {
  package var schema = 1
  /// Of the models' servers, in the last session.
  package var prices: Prices
  /// Of the judges' servers.
  package var judgePrices: Prices
  /// What the run may cost; nil for any cost.
  package var limit: Double?
  /// Requests that servers took: each attempt, of models and judges.
  package var requests = 0
  package var promptTokens = 0
  package var completionTokens = 0
  /// Of `requests`, those whose tokens nobody told: counted as the most that they can be.
  package var untold = 0
  package var cost = 0.0
  /// Requests that were under way when this was written, and the most that they can cost.
  package var underWay = 0
  package var underWayCost = 0.0

  package init(prices: Prices, judgePrices: Prices? = nil, limit: Double? = nil) {
    self.prices = prices
    self.judgePrices = judgePrices ?? prices
    self.limit = limit
  }

  enum CodingKeys: String, CodingKey {
    case schema, prices, limit, requests, untold, cost
    case judgePrices = "judge_prices"
    case promptTokens = "prompt_tokens"
    case completionTokens = "completion_tokens"
    case underWay = "under_way"
    case underWayCost = "under_way_cost"
  }

  static let fileName = "spending.json"

  package static func file(in run: URL) -> URL { run.appending(path: fileName) }

  /// What a run has cost, from its file alone, or from its manifest where the file is gone.
  ///
  /// - Returns: nil where nobody gave prices.
  /// - Throws: `RunError.unreadable`.
  package static func read(in run: URL) throws(RunError) -> Spending? {
    let file = file(in: run)
    do {
      guard let data = try InputFile.ifPresent(file, .records)?.body else {
        return try RunFolder.holdsRun(run) ? RunManifest.readFile(in: run).spending : nil
      }
      let spending = try JSONDecoder().decode(Spending.self, from: data)
      guard spending.schema == 1, spending.isPossible else {
        throw RunError.unreadable(
          path: file.path,
          reason: "expected what a run has cost, schema 1, with counts and costs from 0 up")
      }
      return spending
    } catch let error as RunError {
      throw error
    } catch {
      throw .unreadable(
        path: file.path, reason: "it does not say what a run has cost: \(error.plainReason)")
    }
  }

  private var isPossible: Bool {
    [requests, promptTokens, completionTokens, untold, underWay].allSatisfy { $0 >= 0 }
      && [cost, underWayCost].allSatisfy { $0.isFinite && $0 >= 0 }
  }

  /// With requests that were under way counted as the most that they can cost: what a session goes on from.
  var settled: Spending {
    var spending = self
    spending.requests += underWay
    spending.untold += underWay
    spending.cost += underWayCost
    (spending.underWay, spending.underWayCost) = (0, 0)
    return spending
  }

  /// The most that has been spent.
  package var mostSpent: Double { cost + underWayCost }

  mutating func begin(_ reservation: TokenReservation) {
    underWay += 1
    underWayCost += reservation.cost
  }

  mutating func end(_ reservation: TokenReservation, _ report: TokenReport, _ prices: Prices) {
    underWay -= 1
    // Sums of differences drift; of nothing nothing is left.
    underWayCost = underWay == 0 ? 0 : max(0, underWayCost - reservation.cost)
    var use = reservation.most
    switch report {
    case .nothing: return
    case .unknown: untold += 1
    case .answered(let prompt, let completion):
      if prompt == nil || completion == nil { untold += 1 }
      use.prompt = prompt ?? use.prompt
      use.completion = completion ?? use.completion
    }
    requests += 1
    promptTokens += use.prompt
    completionTokens += use.completion
    cost += prices.cost(of: use)
  }

  /// `0.42 of at most 1 (3,204 requests, 160,200 tokens in and 96,120 out)`
  package var description: String {
    var text = Number.money(mostSpent)
    if let limit { text += " of at most \(Number.money(limit))" }
    text +=
      " (\(Number.grouped(requests)) requests, \(Number.grouped(promptTokens)) tokens in and "
      + "\(Number.grouped(completionTokens)) out"
    if untold > 0 {
      text +=
        "; the tokens of \(Number.grouped(untold)) were not told and are counted as the most that they can be"
    }
    if underWay > 0 { text += "; \(Number.grouped(underWay)) under way counted likewise" }
    return text + ")"
  }
}
