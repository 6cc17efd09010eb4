import Glibc

/// What `Retry-After` says (RFC 9110, 10.2.3): seconds, or a date.
package enum RetryAfter {
  /// From now on; nil where it says nothing that can be read.
  package static func seconds(_ text: String, now: Int = time(nil)) -> Double? {
    if let number = Int(text) { return number >= 0 ? Double(number) : nil }
    return date(text).map { Double(max(0, $0 - now)) }
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
  package static func date(_ text: String) -> Int? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]), (1970...9999).contains(year)
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]) else {
      return nil
    }
    // Years that begin with March, so that the day of leap years is their last: days since 1970.
    let (shifted, place) = (month < 2 ? year - 1 : year, (month + 10) % 12)
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * place + 2) / 5 + day - 1 - 719_468
    return ((days * 24 + clock[0]) * 60 + clock[1]) * 60 + clock[2]
  }
}
