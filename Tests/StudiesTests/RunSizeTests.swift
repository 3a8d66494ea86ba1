import Testing

@testable import Studies

@Suite struct RunSizeTests {
  @Test(
    arguments: [
      (
        RunSize(models: 45, prompts: 252, samples: 11_340, tokensEach: 60),
        "11,340 samples (45 models × 252 prompts), at most 60 new tokens each: 680,400 in all"
      ),
      (
        RunSize(models: 1, prompts: 1, samples: 1, tokensEach: 1),
        "1 sample (1 model × 1 prompt), at most 1 new token each: 1 in all"
      ),
      (
        RunSize(models: 2, prompts: 10, samples: 60, tokensEach: 8),
        "60 samples (2 models × 10 prompts × 3), at most 8 new tokens each: 480 in all"
      ),
      (
        RunSize(models: 0, prompts: 0, samples: 0, tokensEach: 8),
        "0 samples (0 models × 0 prompts), at most 8 new tokens each: 0 in all"
      ),
      (
        RunSize(models: 1, prompts: 1, samples: .max, tokensEach: 1_000_000),
        "9,223,372,036,854,775,807 samples (1 model × 1 prompt × 9,223,372,036,854,775,807), at most "
          + "1,000,000 new tokens each: more than can be counted in all"
      ),
    ])
  func sizesAreSaid(size: RunSize, text: String) {
    #expect("\(size)" == text)
  }
}

@Suite struct StudyCostTests {
  @Test(
    arguments: [
      (
        StudyCost(decompositions: 1, trainings: 18, trainingDialogues: 10_800),
        "made for them: 1 decomposition, 18 trainings over about 10,800 dialogues"
      ),
      (
        StudyCost(decompositions: 0, trainings: 1, trainingDialogues: 1),
        "made for them: 1 training over about 1 dialogue"
      ),
      (
        StudyCost(decompositions: 0, trainings: 0, trainingDialogues: 0),
        "nothing is decomposed or trained for them"
      ),
    ])
  func costsAreSaid(cost: StudyCost, text: String) {
    #expect("\(cost)" == text)
  }
}
