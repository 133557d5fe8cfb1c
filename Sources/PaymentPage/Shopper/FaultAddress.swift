import Payments

/// Mistakes as the address of a page tells them: keys of sentences and nothing else, since an address is
/// kept in histories.
enum FaultAddress {
  /// The key that stands for a fault where its values are not at hand.
  static func plain(_ fault: FieldFault) -> String {
    switch fault.key {
    case "number_short", "number_long": "number_check"
    case "expiry_past": "expiry_form"
    case "cvc_count": "cvc_count"
    default: fault.key
    }
  }

  /// The faults that an address names; what is not known is passed over.
  static func faults(_ text: String) -> (faults: [FieldFault], notice: String?) {
    var faults: [FieldFault] = []
    var notice: String?
    for key in text.split(separator: ".").prefix(6) {
      switch key {
      case "many", "fault": notice = String(key)
      case "number_empty", "number_digits", "number_check", "number_brand":
        faults.append(FieldFault(.number, String(key)))
      case "expiry_empty", "expiry_form", "expiry_far":
        faults.append(FieldFault(.expiry, String(key)))
      case "cvc_count": faults.append(FieldFault(.cvc, "cvc_count", ["n": "3"]))
      case "name_empty", "name_digits": faults.append(FieldFault(.name, String(key)))
      default: break
      }
    }
    return (faults, notice)
  }
}
