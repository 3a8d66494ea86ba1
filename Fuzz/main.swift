import CLibFuzzer
import Foundation

// loxeval-fuzz --target=NAME [libFuzzer's options] [corpora]: libFuzzer passes over options that begin
// with two dashes, but hands them on to the processes that it starts itself.

let targets: [any FuzzTarget.Type] = [
  SafetensorsHeaderTarget.self, JSONTarget.self, PromptSetTarget.self, PEFTConfigurationTarget.self,
  TokenizerTarget.self, ServerReplyTarget.self, JournalTarget.self, ManifestTarget.self,
  ChatTemplateTarget.self, LedgerTarget.self, LabelledSetTarget.self, LabelFileTarget.self,
]

let wanted = CommandLine.arguments.lazy
  .compactMap { $0.hasPrefix("--target=") ? String($0.dropFirst("--target=".count)) : nil }.first

guard let type = targets.first(where: { $0.name == wanted }) else {
  for type in targets { print(type.name) }
  exit(wanted == nil ? 0 : 64)
}

nonisolated(unsafe) let target: any FuzzTarget = type.init()

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
exit(
  unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
    unsafe target.run(bytes)
    return 0
  })
