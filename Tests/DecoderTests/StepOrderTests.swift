import Testing

@testable import Decoder

@Suite struct StepOrderTests {
  private static func recipe(
    _ epochs: Int, batch: Int, accumulation: Int = 1, maxSteps: Int? = nil, shuffles: Bool = true
  ) -> TrainingRecipe {
    var recipe = TrainingRecipe()
    (recipe.epochs, recipe.batchSize, recipe.gradientAccumulation) = (epochs, batch, accumulation)
    (recipe.maxSteps, recipe.shuffles, recipe.seed) = (maxSteps, shuffles, 7)
    return recipe
  }

  @Test(arguments: [(10, 1, 4), (10, 3, 5), (1, 2, 8), (7, 1, 1), (0, 3, 2)])
  func eachEpochTakesEveryItemOnce(items: Int, epochs: Int, batch: Int) {
    let order = StepOrder(itemCount: items, recipe: Self.recipe(epochs, batch: batch))
    let steps = Array(order)
    #expect(steps.count == order.count)
    #expect(order.count == (items + batch - 1) / batch * epochs)
    let all = steps.flatMap { $0 }
    for epoch in 0..<epochs {
      #expect(all[(epoch * items)..<((epoch + 1) * items)].sorted() == Array(0..<items))
    }
    #expect(Array(order) == steps)
  }

  @Test func anEarlyEndLeavesTheOrder() {
    let all = Array(StepOrder(itemCount: 9, recipe: Self.recipe(3, batch: 2, accumulation: 2)))
    let some = StepOrder(
      itemCount: 9, recipe: Self.recipe(3, batch: 2, accumulation: 2, maxSteps: 5))
    #expect(some.count == 5)
    #expect(Array(some) == Array(all.prefix(5)))
    let plain = Array(StepOrder(itemCount: 3, recipe: Self.recipe(2, batch: 2, shuffles: false)))
    #expect(plain == [[0, 1], [2], [0, 1], [2]])
  }

  /// The largest recipe that is allowed is counted, not made.
  @Test func manyEpochsTakeNoMemory() {
    let order = StepOrder(itemCount: 1_000, recipe: Self.recipe(100_000, batch: 1))
    #expect(order.count == 100_000_000)
    var steps = order.makeIterator()
    #expect(steps.next()?.count == 1)
  }
}
