import ArgumentParser
import Foundation
import ModelAccess
import Runs
import Studies
import Support

/// How long a study takes, what servers take for tokens, and what the run may cost.
struct CostOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "With --plan: measure for some seconds what this machine does (replies by the study's own server, steps of "
        + "its trainings, a part of the decomposition), and say how long the study takes and what memory. What the "
        + "attack store, the cache and a run that goes on have already is left out. Servers elsewhere are asked "
        + "some of the study's prompts."))
  var calibrate = false

  @Option(
    in: Prices.range,
    help: "What the models' server takes for a million tokens of prompts, in any currency.")
  var priceIn: Double?

  @Option(in: Prices.range, help: "The same for a million tokens that are generated.")
  var priceOut: Double?

  @Option(
    in: Prices.range,
    help: "As --price-in, of the judges' servers; by default the same.")
  var judgePriceIn: Double?

  @Option(
    in: Prices.range,
    help: "As --price-out, of the judges' servers; by default the same.")
  var judgePriceOut: Double?

  @Option(
    in: Prices.limitRange,
    help:
      "What the run may cost, all of its sessions together. No request is sent that could pass it; the run then stops with exit code 75 and goes on with --resume."
  )
  var maxCost: Double?

  /// Refuses what cannot be kept.
  ///
  /// - Parameters:
  ///   - isPlan: whether the study is planned alone.
  ///   - isPaid: whether some server outside this process answers.
  ///   - omitted: fields of requests that are left out, of models and judges.
  func validate(isPlan: Bool, isPaid: Bool, omitted: [String]) throws {
    guard isPlan || !calibrate else {
      throw ValidationError(
        "--calibrate: expected --plan with it; a run measures what it does while it works")
    }
    for (one, other, names) in [
      (priceIn, priceOut, ("--price-in", "--price-out")),
      (judgePriceIn, judgePriceOut, ("--judge-price-in", "--judge-price-out")),
    ] where (one == nil) != (other == nil) {
      throw ValidationError("expected \(names.0) and \(names.1) together, found one of them")
    }
    guard priceIn != nil else {
      let given = [("--judge-price-in", judgePriceIn), ("--max-cost", maxCost)].first {
        $0.1 != nil
      }
      guard let given else { return }
      throw ValidationError("\(given.0): expected --price-in and --price-out with it")
    }
    guard isPaid else {
      throw ValidationError(
        "--price-in: expected --endpoint, --cells, --serve or --judge-endpoint with it; the embedded server "
          + "costs nothing")
    }
    if maxCost != nil, omitted.contains("max_tokens") {
      throw ValidationError(
        "--max-cost: expected max_tokens in the requests; without it nobody knows what a reply can cost"
      )
    }
  }

  /// nil where nothing is counted.
  ///
  /// - Parameter folder: the run's, where it is named: what it has cost so far counts, also where it did not come
  ///   to a plan.
  func book(in folder: URL?) throws -> SpendingBook? {
    guard let prices else { return nil }
    return try SpendingBook(
      prices: prices, judgePrices: judgePrices, limit: maxCost, continuing: folder)
  }

  var prices: Prices? {
    guard let priceIn, let priceOut else { return nil }
    return Prices(perMillionIn: priceIn, perMillionOut: priceOut)
  }

  /// nil where they are the models'.
  var judgePrices: Prices? {
    guard let judgePriceIn, let judgePriceOut else { return nil }
    return Prices(perMillionIn: judgePriceIn, perMillionOut: judgePriceOut)
  }
}
