import Glibc

/// Times as RFC 3339 has them, of the world's time.
enum Timestamp {
  static var now: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return text(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
  }

  /// Since 1970.
  static var seconds: Int { time(nil) }

  /// - Parameter seconds: since 1970.
  static func text(seconds: Int, nanoseconds: Int = 0) -> String {
    let (days, rest) = (floor(seconds, 86400), seconds - floor(seconds, 86400) * 86400)
    let (year, month, day) = date(days: days)
    func padded(_ number: Int, _ length: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, length - text.count)) + text
    }
    let clock = "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    let fraction = nanoseconds == 0 ? "" : "." + padded(nanoseconds / 1000, 6)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(clock)\(fraction)Z"
  }

  private static func floor(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }

  /// The date so many days after 1970-01-01, in the Gregorian calendar (H. Hinnant, chrono-Compatible Low-Level Date
  /// Algorithms, `civil_from_days`).
  private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = floor(shifted, 146_097)
    let ofEra = shifted - era * 146_097
    let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let day = ofYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    return (year + era * 400 + (calendarMonth <= 2 ? 1 : 0), calendarMonth, day)
  }
}
