package import Keyring
internal import RecordFormat

extension CustodyProblem {
  /// A sentence for whoever holds a ceremony or enters a share: what is wrong, and what helps.
  package var explanation: String {
    switch self {
    case .shareText(let problem): "the share cannot be read: \(problem.explanation)"
    case .unsupportedShare:
      "the share is of a version that this program does not know, or was not made by one"
    case .passphraseLength(let custodian):
      "the passphrase of \(custodian.text) has to have "
        + "\(CustodianShare.passphraseByteCounts.lowerBound) to "
        + "\(CustodianShare.passphraseByteCounts.upperBound) bytes"
    case .wrongPassphrase(let custodian):
      "the share of \(custodian.text) does not open: the passphrase is wrong, or the share was altered"
    case .shareOfAnotherKey(let key, let custodian):
      "the share of \(custodian.text) is one of key \(key.text), which is not the key that is needed"
    case .shareOfAnotherSet(let custodian):
      "the share of \(custodian.text) is of the right key, and not of the shares that this vault knows"
    case .shareDoesNotMatch(let custodian):
      "the share of \(custodian.text) opens, and is not the one that was made in the ceremony"
    case .shareEnteredAlready(let custodian):
      "the share of \(custodian.text) has been entered already"
    case .accountEnteredAlready(let custodian):
      "the share of \(custodian.text) counts nothing: this account has entered another one already, and the "
        + "ceremony of this vault asked for shares of different accounts. Its custodian enters it from "
        + "an account of their own"
    case .sharesMissing(let count):
      count == 1 ? "one share is missing" : "\(count) shares are missing"
    case .rebuiltKeyDiffers(let key):
      "every share is right, and they do not rebuild key \(key.text): the store is damaged; "
        + "restore a backup"
    case .malformedSet:
      "what the store says about custodians breaks its own rules; restore a backup"
    case .invalidPlan:
      "a ceremony has 2 to \(CustodianSet.custodianCounts.upperBound) custodians, each name once, and "
        + "a threshold from 2 to their number"
    }
  }
}

extension ShareTextProblem {
  /// What is wrong with the text, and where.
  package var explanation: String {
    switch self {
    case .tooLong: "it is larger than any share"
    case .notText(let number): "its line \(number) from the top has characters that no share has"
    case .unknownLine(let number): "its line \(number) from the top is none of a share"
    case .repeatedLine(let name): "\"\(name)\" stands there twice"
    case .missingLine(let name): "\"\(name)\" is missing"
    case .lineCheck(let name):
      "\"\(name)\" does not fit the three characters at its end: one of them is mistyped"
    case .lineForm(let name): "\"\(name)\" does not say what it has to"
    case .group(let line, let group, let fault):
      "group \(group) of line \(line) \(fault.explanation)"
    case .groupCount(let line, let count): "line \(line) has \(count) groups; a line has 8"
    case .contradiction(let name): "\"\(name)\" says something else than the groups: it was altered"
    }
  }
}

extension ShareTextProblem.GroupFault {
  /// The end of a sentence about a group.
  fileprivate var explanation: String {
    switch self {
    case .length(let count):
      "has \(count == 1 ? "one character" : "\(count) characters"); a group has 6"
    case .character: "has a character that no share has"
    case .check: "is mistyped, stands in another's place, or one before it is missing"
    }
  }
}
