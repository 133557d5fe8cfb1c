import Administration
import ArgumentParser
import Bytes
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import SystemCalls

/// Where passphrases come from: `--passphrase-fd`, or the terminal.
struct PassphraseOption: ParsableArguments {
  @Option(
    name: .customLong("passphrase-fd"),
    help: ArgumentHelp(
      "Read passphrases from this file descriptor, one a line, instead of the terminal.",
      valueName: "n"))
  var descriptor: Int32?

  func validate() throws {
    guard let descriptor else { return }
    guard descriptor >= 0 else { throw ValidationError("--passphrase-fd expects a number from 0") }
  }

  /// Begins to ask for passphrases: at a terminal, nothing that is typed is shown until the reader ends.
  func reader() throws(CommandFailure) -> PassphraseReader {
    if let descriptor { return .descriptor(descriptor) }
    return .terminal(try HiddenInput())
  }

  /// The passphrase of one custodian's share.
  func existing(of custodian: CustodyName) throws(CommandFailure) -> SecretBytes {
    let reader = try reader()
    let passphrase = try reader.existing(of: custodian)
    reader.end()
    return passphrase
  }
}

/// Asks custodians for their passphrases, one after the other.
enum PassphraseReader: ~Copyable {
  case descriptor(Int32)
  case terminal(HiddenInput)

  /// The passphrase of a custodian's share.
  borrowing func existing(of custodian: CustodyName) throws(CommandFailure) -> SecretBytes {
    switch self {
    case .descriptor(let descriptor): try Passphrase.line(from: descriptor, of: custodian)
    case .terminal(let input):
      try Passphrase.typed(at: input, after: "Passphrase of \(custodian.text): ")
    }
  }

  /// A new passphrase for a custodian's share. At a terminal it is typed twice, and asked for again
  /// where it was not the same or has no length that a passphrase may have.
  borrowing func new(of custodian: CustodyName) throws(CommandFailure) -> SecretBytes {
    switch self {
    case .descriptor(let descriptor): try Passphrase.line(from: descriptor, of: custodian)
    case .terminal(let input): try Passphrase.new(of: custodian, at: input)
    }
  }

  /// Ends it: a terminal shows again what is typed.
  consuming func end() {}
}

/// Reads a passphrase straight into secret memory.
enum Passphrase {
  /// How often a new one is asked for.
  private static let attempts = 3
  /// One byte more than the longest, so that a longer one is known as such.
  private static let roomBytes = CustodianShare.passphraseByteCounts.upperBound + 1

  /// A new one, typed twice.
  static func new(
    of custodian: CustodyName, at input: borrowing HiddenInput
  ) throws(CommandFailure) -> SecretBytes {
    let counts = CustodianShare.passphraseByteCounts
    for _ in 0..<attempts {
      let first = try typed(
        at: input,
        after: "New passphrase of \(custodian.text), \(counts.lowerBound) bytes or more: ")
      guard counts.contains(first.count) else {
        Console.complain(
          CustodyProblem.passphraseLength(custodian: custodian).explanation + "; try again")
        continue
      }
      let second = try typed(at: input, after: "The same again: ")
      if first.isEqual(to: second.bytes) { return first }
      Console.complain("these were not the same; try again")
    }
    throw CommandFailure(.refused, "no passphrase was given for \(custodian.text)")
  }

  /// What is typed at the terminal after a prompt.
  static func typed(
    at input: borrowing HiddenInput, after prompt: String
  ) throws(CommandFailure) -> SecretBytes {
    try input.line(after: prompt) { terminal, wait throws(CommandFailure) in
      try read(from: terminal, waiting: wait)
    }
  }

  /// The next line of a descriptor.
  static func line(
    from descriptor: Int32, of custodian: CustodyName
  ) throws(CommandFailure) -> SecretBytes {
    let line = try read(from: descriptor) { true }
    guard line.count > 0 else {
      throw CommandFailure(
        .invalid, "file descriptor \(descriptor) has no passphrase of \(custodian.text)")
    }
    return line
  }

  /// Reads up to the end of a line, byte by byte, so that what follows stays for the next reader.
  ///
  /// - Parameter wait: waits for the next byte; false where there will be none.
  private static func read(
    from descriptor: Int32, waiting wait: () -> Bool
  ) throws(CommandFailure) -> SecretBytes {
    do {
      var room = try SecretBytes(count: roomBytes)
      var count = 0
      while wait() {
        let received = unsafe room.withMutableBytes { buffer in
          unsafe Glibc.read(
            descriptor, buffer.baseAddress?.advanced(by: min(count, roomBytes - 1)), 1)
        }
        if received < 0, errno == EINTR { continue }
        guard received >= 0 else {
          throw CommandFailure(
            .invalid,
            "no passphrase can be read from file descriptor \(descriptor): "
              + systemMessage(errno))
        }
        let last = min(count, roomBytes - 1)
        if received == 0 || room.bytes.byte(last) == UInt8(ascii: "\n") { break }
        count += 1
      }
      return try SecretBytes(copying: room.bytes.extracting(..<min(count, roomBytes)))
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(KeyringError.systemUnavailable)
    }
  }
}
