import Testing

@testable import Studies

@Suite struct AllottedGPUsTests {
  @Test(
    arguments: [
      ([:], nil), (["CUDA_VISIBLE_DEVICES": "0"], 1), (["CUDA_VISIBLE_DEVICES": "0,1, 3"], 3),
      (["CUDA_VISIBLE_DEVICES": "GPU-8932f937-d72c,MIG-1"], 2), (["CUDA_VISIBLE_DEVICES": ""], 0),
      (["CUDA_VISIBLE_DEVICES": "-1"], 0), (["CUDA_VISIBLE_DEVICES": "0,-1,2"], 1),
      (["SLURM_GPUS_ON_NODE": "4"], 4),
      (["CUDA_VISIBLE_DEVICES": "2", "SLURM_GPUS_ON_NODE": "4"], 1),
      (["SLURM_GPUS_ON_NODE": "many"], nil),
    ] as [([String: String], Int?)])
  func schedulersSayHowMany(environment: [String: String], count: Int?) {
    #expect(AllottedGPUs.count(environment) == count)
  }
}
