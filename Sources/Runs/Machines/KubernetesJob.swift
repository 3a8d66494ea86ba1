import Support

/// A study as an indexed Job of Kubernetes, one completion a shard.
package struct KubernetesJob: Hashable, Sendable {
  package let command: ShardedCommand
  /// The image that holds the program.
  package let image: String

  package init(_ command: ShardedCommand, image: String) {
    self.command = command
    self.image = image
  }

  /// The manifest. What depends on the cluster (image, volume, resources) is for its user to change.
  package var manifest: String {
    """
    # One shard of a study for each index. The volume is shared by all pods and holds the project, the models
    # and the run. A pod that stops in time (exit code 75, such as before its node is drained) does not count as
    # failed and is started again. When the Job is complete:
    #   \(command.changesDirectory) && \(command.merge)
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: \(name)
    spec:
      completionMode: Indexed
      completions: \(command.shards)
      parallelism: \(command.shards)
      backoffLimitPerIndex: 3
      podFailurePolicy:
        rules:
          - action: Ignore
            onExitCodes:
              containerName: shard
              operator: In
              values: [75]
          - action: Ignore
            onPodConditions:
              - type: DisruptionTarget
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: \(SlurmJobs.grace)
          containers:
            - name: shard
              image: \(quoted(image))
              command: ["/bin/sh", "-c"]
              args:
                - \(quoted("\(command.changesDirectory) && exec \(command.shard("\"$((JOB_COMPLETION_INDEX + 1))\""))"))
              volumeMounts:
                - name: study
                  mountPath: \(quoted(command.directory))
          volumes:
            - name: study
              persistentVolumeClaim:
                claimName: loxeval

    """
  }

  /// As Kubernetes has names: lower case, digits and hyphens.
  private var name: String {
    let text = command.name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }
    return String(text).trimmingSuffix { $0 == "-" }
  }

  /// A text in YAML, whatever it holds: JSON's texts are YAML's.
  private func quoted(_ text: String) -> String { JSONNode.string(text).serialized }
}

extension String {
  fileprivate func trimmingSuffix(while holds: (Character) -> Bool) -> String {
    var text = self
    while let last = text.last, holds(last) { text.removeLast() }
    return text
  }
}
