// Package msgcode finds and normalises the message codes of HCL/IBM Workload
// Automation in any text: logs, API error bodies, manuals, questions typed by
// people. It knows the shapes AWSxxxnnnS and AWKxxxnnnS (two or three letters of
// component, three or four digits, a severity), the job plug-ins (EEW, EEWAI,
// HTWGT, ACTEX), the z/OS connector (EQQ), the installer (WAINST, CTG), and the
// codes of what runs beneath: Liberty (CWxxx, SECJ, DSRA, …), DB2 (SQLnnnnN) and
// Oracle (ORA-nnnnn).
//
//	for _, m := range msgcode.Find(text) { m.Code.Text, m.Start, m.End, m.Raw, m.Slip }
//	codes := msgcode.Codes(text)             // each code once
//	code, ok := msgcode.Normalize("awsjc0005e:")   // AWSJCO005E
//	about, ok := msgcode.Component("AWSBHT")       // what the component is
//
// Scanned manuals and hurried people misspell codes. Find repairs what has one
// reading only and says so in Match.Slip: a zero for the letter O or a one for I
// (AWSJC0005E, AWSITA1761), a lost letter (AWSBU470I, WSWUI0331E), small letters,
// a missing severity (AWSUI2003), a word run into the code (nullDSRA0010E). It
// does not guess: JAWSITA122E, AWSITA*E and AWS00101E are no codes. Families that
// are not in the table of components are found all the same when they are
// spelt right.
package msgcode
