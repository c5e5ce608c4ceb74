"""The agency's world: colleagues, client companies, professions, sources and typical sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Profession:
    """A kind of work: its job titles, skills, pay and what its people have learned."""

    key: str
    title: str
    department: str
    desk: str
    industry: str
    must: tuple[str, ...]
    nice: tuple[str, ...]
    base: int
    """Yearly pay of a mid-level person in thousands of euro."""
    field: str
    certificates: tuple[tuple[str, str, int], ...] = ()
    """Name, issuer, days of validity (0: for ever)."""
    weight: int = 3


def _professions(table: str) -> tuple[Profession, ...]:
    found: list[Profession] = []
    for line in table.strip().splitlines():
        parts = line.strip().removeprefix("+ ").split("|")
        if not line.startswith("  "):
            key, title, department, desk, industry, base, field, weight = parts
            found.append(Profession(key, title, department, desk, industry, (), (), int(base), field, (), int(weight)))
        elif line.startswith("  + "):
            certificates = (*found[-1].certificates, (parts[0], parts[1], int(parts[2])))
            found[-1] = replace(found[-1], certificates=certificates)
        else:
            found[-1] = replace(found[-1], must=tuple(parts[0].split()), nice=tuple(parts[1].split()))
    return tuple(found)


# key | title | department | desk | industry | yearly pay in thousands | field of study | share of candidates
#   must-have skills | further skills;  + certificate | issuer | days of validity (0: for ever)
PROFESSION_TABLE = """
backend|Backend Developer|Software Development|u-jonas|technology|68|Computer Science|6
  java spring postgresql|kotlin kafka docker kubernetes aws sql
  + Certified Java Developer|Code Institute|1095
python|Python Developer|Software Development|u-jonas|technology|66|Computer Science|4
  python django sql|postgresql docker aws airflow react
frontend|Frontend Developer|Frontend Development|u-jonas|technology|62|Media Informatics|4
  javascript typescript react|vue angular nodejs figma test_automation
data_engineer|Data Engineer|Data Platform|u-jonas|technology|72|Computer Science|3
  python sql airflow|spark dbt kafka aws gcp power_bi
  + Cloud Data Engineer|Cloud Skills Board|730
data_science|Data Scientist|Data Science|u-jonas|technology|70|Mathematics|3
  python machine_learning statistics|sql data_analysis gcp tableau
devops|DevOps Engineer|Cloud Operations|u-jonas|technology|74|Computer Science|4
  kubernetes terraform linux|aws azure docker ci_cd python networking
  + Kubernetes Administrator|Cloud Skills Board|1095
security|IT Security Engineer|IT Security|u-jonas|technology|76|IT Security|3
  cyber_security iam networking|penetration_testing azure linux compliance
  + Information Security Professional|Security Council|1095
product|Product Manager|Product|u-jonas|technology|75|Business Informatics|3
  product_management scrum business_analysis|ux_design sql crm leadership
  + Product Owner|Agile Board|730
sap|SAP Consultant|SAP|u-jonas|technology|78|Business Informatics|3
  sap erp business_analysis|project_management accounting supply_chain
project|IT Project Manager|IT Projects|u-jonas|technology|76|Business Administration|3
  project_management scrum leadership|business_analysis erp negotiation excel
  + Project Management Professional|Project Council|1095
accounting|Accountant|Accounting|u-amelie|finance|52|Accounting|4
  accounting hgb datev|ifrs excel payroll sap
  + Certified Accountant|Chamber of Commerce|0
controlling|Financial Controller|Controlling|u-amelie|finance|64|Business Administration|3
  controlling excel ifrs|sap power_bi financial_modelling leadership
tax|Tax Specialist|Tax|u-amelie|finance|62|Tax Law|3
  tax hgb datev|accounting audit excel
risk|Risk Manager|Risk|u-amelie|finance|72|Economics|3
  risk_management compliance excel|statistics sql audit
sales|Key Account Manager|Sales|u-amelie|retail|63|Business Administration|4
  b2b_sales key_account negotiation|crm salesforce field_sales leadership
marketing|Marketing Manager|Marketing|u-amelie|media|56|Communication|3
  marketing content seo|performance_marketing crm figma leadership
hr|HR Business Partner|Human Resources|u-amelie|professional_services|61|Business Psychology|3
  hr_business_partner labour_law recruiting|payroll leadership negotiation
mechanical|Mechanical Design Engineer|Mechanical Design|u-tomasz|manufacturing|62|Mechanical Engineering|4
  mechanical_design cad solidworks|catia lean quality_management
automation|Automation Engineer|Automation|u-tomasz|manufacturing|64|Electrical Engineering|3
  plc automation electrical_engineering|embedded maintenance lean
  + Electrical Safety Specialist|Technical Inspection Board|730
embedded|Embedded Software Engineer|Embedded Systems|u-tomasz|engineering|68|Electrical Engineering|3
  embedded cpp linux|python electrical_engineering test_automation
quality|Quality Manager|Quality|u-tomasz|manufacturing|63|Industrial Engineering|3
  quality_management six_sigma lean|gmp hse production_planning
  + Quality Auditor|Quality Board|1095
supply|Supply Chain Manager|Supply Chain|u-tomasz|logistics|64|Logistics|3
  supply_chain procurement production_planning|sap negotiation warehouse excel
nursing|Intensive Care Nurse|Nursing|u-tomasz|healthcare|47|Nursing|5
  nursing intensive_care|theatre_nursing paediatrics geriatrics leadership
  + Nursing registration|State Health Office|0
  + Advanced life support|Resuscitation Council|730
therapy|Physiotherapist|Therapy|u-tomasz|healthcare|42|Physiotherapy|3
  physiotherapy|geriatrics paediatrics leadership
  + Physiotherapy registration|State Health Office|0
clinical|Clinical Research Associate|Clinical Operations|u-tomasz|life_sciences|63|Life Sciences|3
  clinical_research gmp regulatory_affairs|quality_management statistics project_management
  + Good Clinical Practice|Clinical Training Board|730
"""
PROFESSIONS = _professions(PROFESSION_TABLE)
BY_KEY = {profession.key: profession for profession in PROFESSIONS}

USERS = (
    ("u-katrin", "Katrin Vogel", "manager|account_manager"),
    ("u-sinead", "Sinead Byrne", "account_manager"),
    ("u-jonas", "Jonas Albers", "recruiter"),
    ("u-amelie", "Amelie Roth", "recruiter"),
    ("u-tomasz", "Tomasz Zieliński", "recruiter"),
)

# name | legal form | city | industry | size | tier | lifecycle | professions | fee percent | terms | guarantee
CLIENTS = """
Havelwerk Software|GmbH|Berlin|technology|s51_200|a|client|backend frontend devops|25|net_14|pro_rata
Kranich Mobility|GmbH|Berlin|technology|s201_500|a|client|backend data_engineer product|24|net_30|pro_rata
Spreebogen Bank|AG|Berlin|finance|s1001_5000|a|client|risk controlling security|28|net_30|full_refund
Alsterkontor Versicherung|AG|Hamburg|finance|s1001_5000|b|client|accounting data_science project|25|net_45|pro_rata
Nordkai Logistik|GmbH|Hamburg|logistics|s501_1000|a|client|supply sap sales|22|net_30|pro_rata
Elbmarsch Klinikum|gGmbH|Hamburg|healthcare|s1001_5000|a|client|nursing therapy|20|net_30|replacement
Isarpark Robotics|GmbH|Munich|engineering|s201_500|a|client|embedded automation mechanical|27|net_30|pro_rata
Föhntal Medizintechnik|GmbH|Munich|life_sciences|s201_500|b|client|quality clinical mechanical|26|net_30|pro_rata
Bavaris Consulting|GmbH|Munich|professional_services|s51_200|b|client|sap project hr|25|net_14|pro_rata
Mainbrücke Capital|GmbH|Frankfurt am Main|finance|s51_200|a|client|risk tax controlling|30|net_14|full_refund
Taunusblick Treuhand|GmbH|Frankfurt am Main|finance|s51_200|b|client|tax accounting|24|net_14|pro_rata
Rheinaue Pharma|AG|Cologne|life_sciences|s1001_5000|a|client|clinical quality supply|27|net_60|pro_rata
Domblick Media|GmbH|Cologne|media|s51_200|c|client|marketing frontend product|22|net_14|replacement
Neckartal Antriebe|GmbH|Stuttgart|manufacturing|s1001_5000|a|client|mechanical automation quality|25|net_45|pro_rata
Filderwerk Maschinenbau|GmbH|Stuttgart|manufacturing|s501_1000|b|client|mechanical automation supply|24|net_30|pro_rata
Pleiße Datenwerke|GmbH|Leipzig|technology|s11_50|b|client|data_engineer python|23|net_14|pro_rata
Leineufer Energie|AG|Hanover|energy|s1001_5000|b|client|automation project controlling|24|net_45|full_refund
Pegnitz Elektronik|GmbH|Nuremberg|manufacturing|s501_1000|b|client|embedded quality|24|net_30|pro_rata
Rheinterrasse Handel|GmbH|Düsseldorf|retail|s1001_5000|b|client|sales marketing accounting|22|net_30|replacement
Liffey Analytics|Ltd|Dublin|technology|s51_200|b|client|data_science data_engineer|25|net_30|pro_rata
Wharfgate Payments|Ltd|London|technology|s201_500|b|client|security backend|26|net_30|pro_rata
Moulin Blanc Digital|SAS|Paris|media|s51_200|c|client|marketing product|24|net_45|pro_rata
Havelklinik Potsdamer Tor|gGmbH|Berlin|healthcare|s501_1000|b|client|nursing therapy|20|net_30|replacement
Grünfeld Solar|GmbH|Berlin|energy|s51_200|b|client|sales project embedded|23|net_14|pro_rata
Kastell Cloud Services|GmbH|Frankfurt am Main|technology|s201_500|a|client|devops security python|26|net_30|pro_rata
Osterdeich Foods|GmbH|Hamburg|retail|s501_1000|c|client|supply sales accounting|21|net_30|pro_rata
Lerchenberg Verlag|GmbH|Munich|media|s51_200|c|former|marketing hr|22|net_30|pro_rata
Hansehof Hotels|GmbH|Hamburg|hospitality|s501_1000|c|former|hr accounting|20|net_30|replacement
Weserbogen Bau|GmbH|Hanover|construction|s201_500|c|former|project controlling|22|net_60|pro_rata
Sandkrug Personaldienste|GmbH|Leipzig|professional_services|s11_50|c|blacklisted|hr|20|on_receipt|pro_rata
Blautal Sensorik|GmbH|Stuttgart|engineering|s51_200|b|prospect|embedded mechanical|25|net_30|pro_rata
Kiebitz Games|GmbH|Berlin|technology|s11_50|c|prospect|backend frontend|24|net_14|pro_rata
Rosenhag Pflege|gGmbH|Munich|healthcare|s201_500|b|prospect|nursing therapy|20|net_30|replacement
Schanzenhof Commerce|GmbH|Hamburg|retail|s51_200|b|prospect|marketing python|23|net_30|pro_rata
Mainufer Asset Partners|GmbH|Frankfurt am Main|finance|s11_50|a|prospect|risk controlling|30|net_14|pro_rata
Severin Labordiagnostik|GmbH|Cologne|life_sciences|s201_500|b|prospect|clinical quality|26|net_30|pro_rata
Auerbach Aufzüge|GmbH|Leipzig|manufacturing|s201_500|b|prospect|automation supply|24|net_30|pro_rata
Howth Bay Software|Ltd|Dublin|technology|s11_50|b|prospect|devops backend|25|net_30|pro_rata
Fleetkontor Shipping|GmbH|Hamburg|logistics|s201_500|b|prospect|supply sap|23|net_45|pro_rata
Tannenhof Möbel|GmbH|Nuremberg|retail|s501_1000|c|prospect|sales accounting|22|net_30|pro_rata
"""

# key | name | channel | cost per month (0: none)
SOURCES = """
src-referral|Referral|referral|0
src-linkedin|LinkedIn search|linkedin|890
src-linkedin-ad|LinkedIn advert|advert|450
src-website|Own website|website|0
src-board-it|IT job portal|job_board|620
src-board-north|Regional job portal North|job_board|310
src-board-health|Healthcare job portal|job_board|280
src-database|Own database|database|0
src-fair|Career fair|event|240
src-campus|University careers day|event|90
src-partner|Partner agency|agency_partner|0
src-walk-in|Unsolicited application|walk_in|0
"""
SENIORITY = (
    ("junior", "Junior ", 0.78, 2),
    ("mid", "", 1.0, 5),
    ("senior", "Senior ", 1.22, 9),
    ("lead", "Lead ", 1.38, 12),
    ("manager", "Head of ", 1.6, 16),
)


def job_title(profession: Profession, level: int) -> str:
    """What a person of this profession and level is called."""
    return f"Head of {profession.department}" if level == 4 else SENIORITY[level][1] + profession.title


DEPARTMENTS = {
    "technology": "Engineering",
    "finance": "Finance",
    "healthcare": "Nursing Services",
    "manufacturing": "Production",
    "engineering": "Development",
    "logistics": "Operations",
    "retail": "Sales",
    "media": "Marketing",
    "life_sciences": "Quality",
}
MANAGER_TITLES = {
    "technology": "Head of Engineering",
    "finance": "Head of Finance",
    "healthcare": "Director of Nursing",
    "manufacturing": "Head of Production",
    "engineering": "Head of Development",
    "logistics": "Head of Operations",
    "retail": "Sales Director",
    "media": "Marketing Director",
    "life_sciences": "Head of Quality",
    "professional_services": "HR Director",
}
REJECTED_BY_CLIENT = (
    "skills",
    "experience",
    "better_candidate",
    "salary",
    "culture",
    "language",
    "overqualified",
    "position_filled",
)
REJECTED_BY_US = ("skills", "experience", "salary", "location", "language", "unreachable")
WITHDREW = ("counter_offer", "other_offer", "not_interested", "location", "salary")
NOTES = (
    "Open to a first talk next week, prefers calls after five.",
    "Very clear on what is wanted: more responsibility and less travelling.",
    "Notice period confirmed. Salary range fits, bonus still open.",
    "Wants to finish the current project first; keep in touch.",
    "Asked for the job description by e-mail, will answer within two days.",
    "Good impression. Strong on the technical side, a little reserved at the beginning.",
    "Would relocate for the right role; family decides together.",
    "Two other processes running, decision expected soon.",
    "Not interested in this role, but happy to recommend colleagues.",
    "References are available after the second interview.",
)
CLIENT_NOTES = (
    "Satisfied with the last hire. Two more positions are planned for the coming quarter.",
    "Wants shorter profiles: one page and three reasons.",
    "Budget is approved, the works council still has to agree.",
    "Feedback on the short list promised by Thursday.",
    "Asked about our fee for several positions at once.",
    "The team has moved to two office days a week.",
    "Interviews will be held by video first, on site in the second round.",
    "Hiring is paused until the new budget; job stays open.",
    "Very happy with the speed of the first profiles.",
    "Would like market salaries for this role before deciding.",
)
FEEDBACK = (
    "Convincing in the conversation, the team would like a second round.",
    "Good experience, but too little depth in the main topic.",
    "Strong match with the profile. Next step: meet the head of department.",
    "Friendly and well prepared; salary is at the upper end.",
    "Technically solid, communication could be clearer.",
    "Clear motivation and good questions about the role.",
)
